// What the server answered to a line of the capture bar.

import { keep } from "./drafts.js";
import { fill } from "./fields.js";
import { apply } from "./live.js";
import { say } from "./notice.js";
import { offer } from "./offer.js";
import { stand } from "./undo.js";

export function arrived(html, line) {
  const holder = document.createElement("template");
  holder.innerHTML = html;
  for (const arrivals of holder.content.querySelectorAll("[data-arrivals]")) apply(arrivals.innerHTML);
  const said = holder.content.querySelector("[data-notice]");
  if (line.waiting || !said) return say("Sent: the line that was kept is stored.");
  document.getElementById("notice").replaceChildren(said);
  htmx.process(said);
  stand();
  document.querySelector("[data-echo]").textContent = said.firstChild.textContent;
}

// Refused: the words go back into the box with the reason, and are kept there (true); or they stand beside it when
// the next line is in it, kept until somebody is done with them.
export function returned(box, line, html, status) {
  const holder = document.createElement("template");
  holder.innerHTML = html;
  const form = holder.content.querySelector("form:has(#cap)");
  const why = holder.content.querySelector("#cap-error")?.textContent ?? `Not written down: the server refused it (${status}).`;
  if (!form || box.elements.text.value) return void offer(line, why);
  box.replaceWith(form);
  htmx.process(form);
  fill(form, line.fields);
  keep(form);
  form.elements.text.focus();
  return true;
}

// What the server answered to a line of the capture bar.

import { fill } from "./fields.js";
import { apply } from "./live.js";
import { say } from "./notice.js";
import { offer } from "./offer.js";

export function arrived(html, line) {
  const holder = document.createElement("template");
  holder.innerHTML = html;
  for (const arrivals of holder.content.querySelectorAll("[data-arrivals]")) apply(arrivals.innerHTML);
  const said = holder.content.querySelector("[data-notice]");
  if (line.waiting || !said) return say("Sent: what was kept is stored.");
  document.getElementById("notice").replaceChildren(said);
  document.querySelector("[data-echo]").textContent = said.firstChild.textContent;
}

// Refused: the words go back into the box with the reason, or stand beside it when the next line is in it.
export function returned(box, html, status) {
  const holder = document.createElement("template");
  holder.innerHTML = html;
  const form = holder.content.querySelector("form");
  const why = holder.content.querySelector("#cap-error")?.textContent ?? `Not written down: the server refused it (${status}).`;
  if (!form || box.elements.text.value) return offer(line, why);
  box.replaceWith(form);
  htmx.process(form);
  fill(form, line.fields);
  form.elements.text.dispatchEvent(new Event("input", { bubbles: true })); // kept again as it stands
  return form.elements.text.focus();
}

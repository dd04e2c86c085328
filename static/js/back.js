// What this person had typed here and nobody stored is brought back: into its form where there is one.

import { takeOver } from "./capture.js";
import { begin, discard, here } from "./drafts.js";
import { answered, dirty, fill } from "./fields.js";
import { offer } from "./offer.js";
import { all, get, own, whenKept } from "./sealed.js";
import { soon } from "./again.js";
import { formOf } from "./talk.js";
import { mark } from "./tally.js";

const PATIENCE = 5000; // milliseconds in which what was sent is stored as a rule
const BACK = "Brought back from this device: not saved yet.";

const known = new Set(); // what this tab waits for already

export async function bringBack() {
  for (const kept of await all()) take(kept);
  whenKept((id) => setTimeout(async () => take({ id, ...(await get(id)) }), PATIENCE)); // what another tab keeps, if it still does then
}

function take(kept) {
  if (kept.at !== here || known.has(kept.id)) return;
  if (kept.kind === "line") return takeOver(kept);
  known.add(kept.id);
  own(kept.id).then((letGo) => restore(kept.id, letGo)); // when no other tab has it open (any more)
}

async function restore(id, letGo) {
  const kept = await get(id);
  const form = kept && (await formFor(kept));
  if (!kept) return letGo();
  if (!form && !(await reached())) {
    letGo();
    known.delete(id);
    return setTimeout(() => take({ ...kept, id }), PATIENCE);
  }
  if (!form) return offer({ ...kept, id }, `Not saved: ${kept.label}. There is no form for it any more.`);
  fill(form, kept.fields);
  if (kept.isNew && form.matches("[id]")) form.elements.version.value = 1; // it was stored, and then typed in
  if (kept.kind === "entry" && form.elements.id?.value) form.dataset.entry = kept.about;
  begin(form, { ...kept, id }, Promise.resolve(letGo));
  if (!dirty(form) && !answered(form)) return close(form);
  mark(form, kept.waiting ? "failed" : "typed", BACK);
  return kept.waiting && soon(0);
}

const reached = () => fetch(here, { method: "HEAD" }).then(() => true, () => false);

// Equal to what is stored.
function close(form) {
  discard(form);
  form.querySelector("[data-cancel]")?.click();
}

async function formFor(kept) {
  if (kept.kind === "page") return document.querySelector(`form[data-keep="${kept.about}"]`);
  if (kept.kind === "comment") {
    const link = document.querySelector(`[data-say="${kept.about}"]`);
    return link && formOf(link);
  }
  if (kept.kind === "box") {
    const box = document.querySelector("#capture form");
    return box?.elements.text.value ? null : box;
  }
  const section = kept.about.slice(0, -37);
  const earlier = !kept.isNew && !document.getElementById(kept.about) && document.querySelector(`#${section}:has([data-load])`);
  if (earlier) await htmx.ajax("GET", `${here}${section}/`, { source: earlier, target: earlier, swap: "outerHTML" });
  const entry = document.getElementById(kept.about);
  const target = entry ? document.getElementById(`${kept.about}-body`) : document.getElementById(`${section}-adder`);
  if (!target || target.matches("form")) return null;
  const base = `${here}${section}/`;
  if (!entry && !kept.isNew) return null;
  if (entry) await htmx.ajax("GET", `${base}${kept.about.slice(-36)}/edit/`, { source: target, target, swap: "outerHTML" });
  else await htmx.ajax("GET", `${base}new/`, { source: target, target, swap: "beforeend" });
  if (!entry) return target.lastElementChild;
  const form = document.getElementById(`${kept.about}-body`);
  if (!form.matches("form")) return null;
  entry.classList.add("is-open");
  return form;
}

// The unsent words of each form: kept on the device from the first key until the server has stored them.

import { answered, dirty, entryOf, fieldsOf, holdsFile, same } from "./fields.js";
import { newId } from "./ids.js";
import { all, drop, own, put } from "./sealed.js";
import { drafts, lines, mark, saving, tell } from "./tally.js";

const DRAFTED = "form.edit, #capture form, form[data-keep]";
export const here = document.body.dataset.document ?? location.pathname;
const pending = new Set(); // forms that were typed in a moment ago
let timer;

export const nameOf = (form) => form.dataset.keep ?? form.dataset.draft ?? (form.closest("#capture") ? "capture" : entryOf(form));
export const draftOf = (form) => drafts.get(nameOf(form));

const worth = (form) => (form.closest("#capture") ? Boolean(form.elements.text.value) : dirty(form) || answered(form));
export const unsent = (form) => drafts.has(nameOf(form)) || dirty(form);
export const typing = () => Boolean(document.querySelector("form.edit")) || drafts.size + lines.size > 0;

function describe(form) {
  const kind = form.dataset.keep ? "page" : form.dataset.draft ? "comment" : form.closest("#capture") ? "box" : "entry";
  return { at: here, kind, about: nameOf(form), action: form.getAttribute("action"), label: labelOf(form), fields: fieldsOf(form), isNew: kind === "entry" && !form.hasAttribute("id") };
}

const labelOf = (form) => `${form.getAttribute("aria-label") ?? document.querySelector("h1")?.textContent ?? ""}, ${document.querySelector(".topbar .code")?.textContent ?? ""}`;

// Begin a draft, or go on with one that was kept (`held` lets go of it for other tabs).
export function begin(form, kept = { id: newId(), since: Date.now() }, held = own(kept.id)) {
  const draft = { ...kept, held };
  drafts.set(nameOf(form), draft);
  return draft;
}

export function keep(form, { always = false } = {}) {
  pending.delete(form);
  if (!form.isConnected) return;
  if (!always && !worth(form)) return void discard(form);
  const draft = draftOf(form) ?? begin(form);
  const before = draft.fields;
  Object.assign(draft, describe(form));
  if (draft.waiting && before && !same(before, draft.fields)) draft.waiting = false; // who types on presses Save again
  store(draft, form);
  if (!draft.waiting && !saving.has(form)) mark(form, "typed");
}

export function store(draft, form) {
  const { held, unkept, ...value } = draft;
  put(draft.id, value).then(
    () => (draft.unkept = form && holdsFile(form)),
    () => {
      draft.unkept = true;
      if (form?.isConnected) mark(form, "typed", "Not saved yet. This device has no room to keep it: save it before you leave.");
    },
  );
}

export function discard(form) {
  const name = nameOf(form);
  const draft = drafts.get(name);
  pending.delete(form);
  if (!draft) return;
  drafts.delete(name);
  drop(draft.id);
  draft.held.then((letGo) => letGo());
  tell();
}

export function mayDiscard(form) {
  if (unsent(form) && !confirm("Discard what you typed? It is not saved.")) return false;
  discard(form);
  return true;
}

export function flush() {
  clearTimeout(timer);
  timer = undefined;
  for (const form of pending) keep(form);
}

// Access to the incident is gone, and with it what was typed for it.
export async function forget() {
  for (const kept of await all()) if (kept.at === here) drop(kept.id);
}

export function keeping() {
  for (const kind of ["input", "change"]) {
    document.addEventListener(kind, (event) => {
      const form = event.target.form?.matches(DRAFTED) ? event.target.form : null;
      if (!form) return;
      pending.add(form);
      timer ??= setTimeout(flush, 200);
    });
  }
  document.addEventListener("visibilitychange", flush);
  addEventListener("pagehide", flush);
  addEventListener("beforeunload", (event) => {
    flush();
    if ([...drafts.values(), ...lines.values()].some((one) => one.unkept)) event.preventDefault();
  });
}

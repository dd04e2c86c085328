// A colleague changes the entry that is open here: the form stays, and says so.

import { saving } from "./tally.js";

export function hold(present, element) {
  const { rev = "gone", by, byId } = element.dataset;
  const form = present.querySelector("form.edit");
  const { version } = form.elements;
  const mine = byId === document.body.dataset.me;
  if (mine && saving.has(form)) return; // most likely what is being saved here
  present.dataset.held = rev;
  const line = form.querySelector("[data-held-line]");
  if (!line || Number(rev) <= Number(version?.value)) return;
  line.textContent = rev === "gone"
    ? "A colleague hid this entry meanwhile. Saving asks whether to bring it back with your text."
    : `${mine ? "You" : by} changed this ${mine ? "elsewhere " : ""}meanwhile. Saving joins both, or asks you.`;
}

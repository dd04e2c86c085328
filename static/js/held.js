// A colleague changes the entry that is open here: the form stays, and says so.

export function hold(present, element) {
  const { rev = "gone", by, byId } = element.dataset;
  const form = present.querySelector("form.edit");
  const { version } = form.elements;
  if (byId === document.body.dataset.me && form.sent && Number(rev) === Number(version?.value) + 1) {
    version.value = rev; // our own save, whose answer was lost
    return;
  }
  present.dataset.held = rev;
  const line = form.querySelector("[data-held-line]");
  if (!line || Number(rev) <= Number(version?.value)) return;
  line.textContent = rev === "gone"
    ? "A colleague hid this entry meanwhile. Saving asks whether to bring it back with your text."
    : `${by} changed this meanwhile; your save will be merged.`;
}

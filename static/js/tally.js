// What waits in this tab, and the one place on the page that says so.

export const drafts = new Map(); // what a form is about → its draft
export const lines = new Map(); // lines of the capture bar that were sent off and are not stored yet
export const saving = new Set(); // requests under way

export function tell() {
  const kept = drafts.size + lines.size;
  const failed = [...drafts.values(), ...lines.values()].some((one) => one.waiting);
  for (const node of document.querySelectorAll("[data-unsent]")) {
    node.dataset.state = saving.size ? "saving" : failed ? "failed" : kept ? "typed" : "saved";
    const words = saving.size ? "Saving" : kept ? `Not sent, ${kept} kept` : "Saved";
    node.dataset.kept = kept;
    node.disabled = !kept;
    if (node.textContent !== words) node.textContent = words;
  }
}

const WORDS = {
  typed: "Not saved yet. Kept on this device.",
  saving: "Saving",
  failed: "Not sent. Kept on this device; it is sent when the line is back.",
};

// A form says how it stands, and so does the entry in whose place it is; a comment's stands below its entry.
export function mark(form, state, words = WORDS[state]) {
  form.dataset.state = state;
  const line = form.querySelector("[data-line]");
  if (line && line.textContent !== words) line.textContent = words;
  const entry = form.closest(".talk") ? null : form.closest(".entry");
  entry?.toggleAttribute("data-saving", state === "saving");
  entry?.toggleAttribute("data-failed", state === "failed");
  tell();
}

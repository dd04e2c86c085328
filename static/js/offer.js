// Words that have no form to go back to (their entry was hidden, or may not be written any more): shown as they
// are, to be copied. They are let go of when somebody says so.

import { wordsOf } from "./fields.js";
import { drop } from "./sealed.js";

const named = ([name, value]) => value && !["id", "version", "restore"].includes(name);

export function offer(kept, why) {
  const place = document.getElementById("kept");
  const typed = kept.fields.filter(named);
  const text = typed.length > 1 && kept.kind !== "line" ? typed.map(([name, value]) => `${name}: ${value}`).join("\n") : wordsOf(kept.fields);
  const box = document.createElement("section");
  box.className = "kept";
  const head = Object.assign(document.createElement("p"), { textContent: why });
  const words = Object.assign(document.createElement("textarea"), { className: "in", readOnly: true, value: text });
  words.setAttribute("aria-label", "What you had typed");
  const copy = Object.assign(document.createElement("button"), { className: "btn", textContent: "Copy" });
  copy.addEventListener("click", () => navigator.clipboard.writeText(text).then(() => (copy.textContent = "Copied"), () => words.select()));
  const done = Object.assign(document.createElement("button"), { className: "btn", textContent: "Done" });
  done.addEventListener("click", () => {
    drop(kept.id);
    box.remove();
  });
  box.append(head, words, copy, done);
  place.append(box);
}

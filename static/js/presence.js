// Who is here, and who edits which entry: never stored, and never told to who reads the summary only.

const SHOWN = 5;
let people = [];

// The entries that are open in this tab.
export const editing = () => [...document.querySelectorAll(".entry:has(form.edit:not(.say))")].map((entry) => entry.id);

const hue = (id) => Number(BigInt(`0x${id.replaceAll("-", "")}`) % 24n);

function initials(name) {
  const words = name.split(" ").filter((word) => /^[\p{L}\p{N}]/u.test(word));
  return `${words[0]?.[0] ?? "?"}${words.length > 1 ? words.at(-1)[0] : ""}`.toUpperCase();
}

const titleOf = (entry) => document.getElementById(`${entry.split("-")[0]}-h`)?.textContent ?? "";

function avatar({ id, name, editing: entries }) {
  const doing = entries.length ? `${name}, editing ${titleOf(entries[0])}` : name;
  const node = Object.assign(document.createElement("span"), { className: `av h${hue(id)}`, title: doing });
  node.toggleAttribute("data-doing", entries.length > 0);
  const letters = Object.assign(document.createElement("span"), { textContent: initials(name) });
  letters.setAttribute("aria-hidden", "true");
  node.append(letters, Object.assign(document.createElement("span"), { className: "vh", textContent: doing }));
  return node;
}

export function here(data) {
  people = JSON.parse(data).filter((person) => person.id !== document.body.dataset.me);
  const stack = document.getElementById("here");
  if (!stack) return;
  stack.replaceChildren(...people.slice(0, SHOWN).map(avatar));
  const more = people.length - SHOWN;
  if (more > 0) stack.append(Object.assign(document.createElement("span"), { className: "av more", textContent: `+${more}`, title: people.slice(SHOWN).map((person) => person.name).join(", ") }));
  stack.hidden = !people.length;
  marks();
}

// On the rows; again after each change, because a row that was replaced has lost its mark.
export function marks() {
  const who = new Map();
  for (const person of people) for (const id of person.editing) who.set(id, [...(who.get(id) ?? []), person]);
  for (const entry of document.querySelectorAll("[data-editing]")) if (!who.has(entry.id)) unmark(entry);
  for (const [id, editors] of who) {
    const entry = document.getElementById(id);
    if (!entry) continue;
    entry.dataset.editing = editors.map((person) => person.name).join(", ");
    entry.style.setProperty("--h", hue(editors[0].id) * 15);
  }
}

export function unmark(entry) {
  delete entry.dataset.editing;
  entry.removeAttribute("style");
}

// What a form holds: whether it was changed, its fields as they are kept, and how they are filled again.

const CHOSEN = ["checkbox", "radio"];
const NEVER = ["file", "password", "submit", "button"];

const kept = (field) => field.name && field.name !== "csrfmiddlewaretoken" && !NEVER.includes(field.type);

function changed(field) {
  if (field.matches("select")) {
    const options = [...field.options];
    const chosen = options.some((o) => o.defaultSelected);
    return options.some((o, at) => o.selected !== (chosen ? o.defaultSelected : at === 0 && !field.multiple));
  }
  if (CHOSEN.includes(field.type)) return field.checked !== field.defaultChecked;
  return field.type !== "hidden" && field.value !== field.defaultValue;
}

export const dirty = (form) => [...form.elements].some((field) => field.name && changed(field));

// A file cannot be kept on the device.
export const holdsFile = (form) => [...form.elements].some((field) => field.type === "file" && field.value);

export function fieldsOf(form) {
  const sent = (field) => kept(field) && (!CHOSEN.includes(field.type) || field.checked);
  return [...form.elements].filter(sent).flatMap((field) =>
    field.matches("select") ? [...field.selectedOptions].map((o) => [field.name, o.value]) : [[field.name, field.value]],
  );
}

// The same words; the version is where they began.
const words = (fields) => JSON.stringify(fields.filter(([name]) => name !== "version"));
export const same = (fields, others) => words(fields) === words(others);

export function fill(form, fields) {
  for (const field of [...form.elements].filter(kept)) {
    const has = (value) => fields.some(([name, held]) => name === field.name && held === value);
    const held = fields.find(([name]) => name === field.name);
    if (CHOSEN.includes(field.type)) field.checked = has(field.value);
    else if (field.matches("select")) for (const option of field.options) option.selected = has(option.value);
    else if (held) field.value = held[1];
    if (field.type !== "hidden" && changed(field)) field.closest("details")?.setAttribute("open", "");
  }
}

// What a person typed, for a line about it.
export function wordsOf(fields) {
  const prose = ["text", "value", "name", "title", "statement", "reason"];
  const typed = fields.filter(([name, value]) => value && !["id", "version", "dest", "restore", "file"].includes(name));
  return (prose.map((name) => typed.find((pair) => pair[0] === name)?.[1]).find(Boolean) ?? typed.map((pair) => pair[1]).join(", ")).trim();
}

// The entry that a form is about; a new one has the id that its form was given.
export function entryOf(form) {
  const id = form.elements.id?.value;
  const about = form.dataset.entry ?? form.closest("[data-about]")?.dataset.about ?? "";
  return id && about ? about.slice(0, -36) + id : about;
}

// The version that an answer of the server shows: of the entry, or of the comment among others.
export function versionIn(html, form) {
  const holder = document.createElement("template");
  holder.innerHTML = html;
  const said = form.elements.id?.value ? `comment-${form.elements.id.value}` : form.dataset.draft;
  return Number(holder.content.querySelector(form.dataset.draft ? `[id="${said}"]` : "[data-rev]")?.dataset.rev);
}

// A form by which an entry is written, on the document or where two versions stand side by side.
export const isForm = (element) => Boolean(element?.matches?.("form.edit, .versus form"));

// A form with the server's answer in it (faults, a joined text) is worth keeping as it came.
export const answered = (form) => form.matches(".merge") || Boolean(form.querySelector(".errors, .error, [aria-invalid=true]"));

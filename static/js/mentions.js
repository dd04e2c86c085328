// An @ in a text field offers the names of those who read the document. The field is a combobox with a listbox;
// what is chosen stands in the text as plain words.

const FIELDS = ".edit textarea, .edit input[type=text]:not(.num), #cap";
const box = Object.assign(document.createElement("ul"), { id: "names", className: "names", role: "listbox", hidden: true });
box.setAttribute("aria-label", "People");
box.popover = "manual"; // above a sheet on a phone as well
let names = [];
let fetched = 0;
let field = null;

async function load() {
  if (Date.now() - fetched < 60_000) return;
  fetched = Date.now();
  const answer = await fetch(`${document.body.dataset.document}people/names/`).catch(() => null);
  if (answer?.ok && !answer.redirected) names = (await answer.json()).names;
  else fetched = 0;
}

// What stands between the @ before the caret and the caret; null where there is none.
function typed() {
  const before = field.value.slice(0, field.selectionStart);
  return /(?:^|[^\w@.])@([^@\n]{0,40})$/u.exec(before)?.[1] ?? null;
}

function matching(part) {
  const wanted = part.toLocaleLowerCase();
  return names.filter((name) => ` ${name.toLocaleLowerCase()}`.includes(` ${wanted}`) && name.toLocaleLowerCase() !== wanted.trim()).slice(0, 6);
}

function close() {
  if (box.matches(":popover-open")) box.hidePopover();
  box.hidden = true;
  for (const name of ["role", "aria-expanded", "aria-controls", "aria-activedescendant", "aria-autocomplete", "aria-haspopup"]) field?.removeAttribute(name);
}

function pick(option) {
  for (const other of box.children) other.setAttribute("aria-selected", other === option);
  field.setAttribute("aria-activedescendant", option.id);
  option.scrollIntoView({ block: "nearest" });
}

async function offer() {
  if (typed() === null) return close();
  const here = field;
  await load();
  const part = field === here ? typed() : null;
  const found = part === null ? [] : matching(part);
  if (!found.length) return close();
  box.replaceChildren(...found.map((name, number) => Object.assign(document.createElement("li"), { id: `name-${number}`, role: "option", textContent: name })));
  const sheet = field.closest("[popover]") ?? document.getElementById("main"); // a tap outside a sheet would close it
  if (box.parentElement !== sheet) sheet.append(box);
  box.hidden = false;
  if (!box.matches(":popover-open")) box.showPopover();
  const combobox = field.localName === "input" ? { role: "combobox", "aria-expanded": "true" } : { "aria-haspopup": "listbox" }; // a textarea takes no role
  for (const [name, value] of Object.entries({ ...combobox, "aria-controls": "names", "aria-autocomplete": "list" })) field.setAttribute(name, value);
  place();
  pick(box.firstElementChild);
}

function place() {
  const around = field.getBoundingClientRect();
  const below = around.bottom + box.offsetHeight < innerHeight;
  box.style.setProperty("left", `${Math.min(around.left, innerWidth - box.offsetWidth - 8)}px`);
  box.style.setProperty("top", `${below ? around.bottom + 2 : Math.max(0, around.top - box.offsetHeight - 2)}px`);
}

function take(option) {
  const end = field.selectionStart;
  const begin = end - typed().length;
  field.setRangeText(`${option.textContent} `, begin, end, "end");
  close();
  field.dispatchEvent(new Event("input", { bubbles: true }));
}

function press(event) {
  if (event.target !== field || !box.matches(":popover-open") || event.isComposing) return;
  const here = box.querySelector("[aria-selected=true]");
  const move = { ArrowDown: here.nextElementSibling ?? box.firstElementChild, ArrowUp: here.previousElementSibling ?? box.lastElementChild };
  if (move[event.key]) pick(move[event.key]);
  else if (event.key === "Escape") close();
  else if (["Enter", "Tab"].includes(event.key) && !event.ctrlKey && !event.metaKey && !event.shiftKey) take(here);
  else return;
  event.preventDefault();
  event.stopPropagation(); // Escape would leave the form, Enter would send the line
}

export function mentioning() {
  if (!document.body.dataset.document) return;
  document.addEventListener("input", (event) => {
    if (!event.target.matches(FIELDS)) return;
    field = event.target;
    offer();
  });
  document.addEventListener("keydown", press, true);
  document.addEventListener("focusout", (event) => event.target === field && close());
  document.addEventListener("scroll", (event) => event.target !== box && box.matches(":popover-open") && place(), true);
  box.addEventListener("pointerdown", (event) => event.preventDefault()); // the field keeps the focus
  box.addEventListener("click", (event) => event.target.matches("[role=option]") && take(event.target));
}

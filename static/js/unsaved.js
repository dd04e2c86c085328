// What was typed and is not stored yet is never thrown away unasked.

const KEY = `unsent ${document.body.dataset.me} ${location.pathname}`;
let sending = false;
let leaving = false; // somebody signed out in another tab
const tabs = new BroadcastChannel("sitroom"); // the tabs of this browser on this site
tabs.addEventListener("message", () => (leaving = true));

const changed = (field) =>
  field.matches("select")
    ? [...field.options].some((option) => option.selected !== option.defaultSelected && [...field.options].some((o) => o.defaultSelected))
    : ["checkbox", "radio"].includes(field.type)
      ? field.checked !== field.defaultChecked
      : field.type !== "hidden" && field.value !== field.defaultValue;

export const dirty = (form) => [...form.elements].some((field) => field.name && changed(field));

const forms = () => [...document.querySelectorAll("form.edit, #capture form")];

export const typing = () => Boolean(document.querySelector("form.edit")) || forms().some(unsent);

const unsent = (form) => (form.matches(".edit") ? dirty(form) : Boolean(form.elements.text?.value));

export const mayDiscard = (form) => !unsent(form) || confirm("Discard what you typed? It is not saved.");

// The page has to go (a new role, a new classification): the words stay in this tab until they are seen.
export function keep() {
  const texts = forms().filter(unsent).flatMap((form) => [...form.elements].filter((field) => field.matches("textarea, input:not([type=hidden], [type=radio], [type=checkbox])") && changed(field)).map((field) => field.value));
  if (texts.length) sessionStorage.setItem(KEY, texts.join("\n"));
}

export const forget = () => sessionStorage.removeItem(KEY);

export const signedOut = (answer) => leaving && answer.redirected;

function show() {
  const kept = sessionStorage.getItem(KEY);
  const notice = document.getElementById("notice");
  if (!kept || !notice) return;
  const box = document.createElement("div");
  box.className = "said";
  const words = Object.assign(document.createElement("textarea"), { className: "in", readOnly: true, value: kept });
  words.setAttribute("aria-label", "What you had typed");
  const done = Object.assign(document.createElement("button"), { className: "btn", textContent: "Done" });
  done.addEventListener("click", () => {
    forget();
    box.remove();
  });
  box.append("Not saved when the page had to close:", words, done);
  notice.replaceChildren(box);
}

export function guard() {
  show();
  addEventListener("beforeunload", (event) => {
    if (!sending && forms().some(unsent)) event.preventDefault();
  });
  document.addEventListener("submit", (event) => {
    const question = event.submitter?.dataset.confirm ?? event.target.dataset.confirm;
    if (question && !confirm(question)) event.preventDefault();
    else if (event.target.action.endsWith("/sign-out/")) {
      sessionStorage.clear();
      tabs.postMessage("signed out");
    }
  });
  document.addEventListener("submit", (event) => {
    sending = !event.defaultPrevented && event.target.matches(".edit, #capture form");
  });
}

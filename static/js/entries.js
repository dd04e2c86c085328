// Writing without leaving the page: links marked data-edit, data-add, data-post and data-cancel work as plain
// links without this module. Rows carry no handlers of their own; the page listens once.

import { apply } from "./live.js";

const open = (box) => {
  for (const menu of document.querySelectorAll("details.menu[open]")) menu.open = false;
  box?.querySelector("input:not([type=hidden]), textarea, select")?.focus();
};

async function edit(link) {
  const name = link.dataset.edit || link.closest(".entry").id;
  const target = document.getElementById(`${name}-body`);
  if (target.matches("form")) return open(target);
  await htmx.ajax("GET", link.href, { target, swap: "outerHTML" });
  const entry = document.getElementById(name);
  entry.classList.add("is-open");
  open(entry);
}

async function add(link) {
  const target = document.getElementById(`${link.dataset.add}-adder`);
  if (!target.querySelector("form")) await htmx.ajax("GET", link.href, { target, swap: "innerHTML" });
  target.scrollIntoView({ block: "center" });
  open(target);
}

async function cancel(link) {
  const form = link.closest("form.edit");
  if (link.dataset.cancel) await htmx.ajax("GET", link.dataset.cancel, { target: form, swap: "outerHTML" });
  else form.remove();
}

const actions = [
  ["[data-edit]", edit],
  ["[data-add]", add],
  ["[data-cancel]", cancel],
  ["[data-post]", (link) => htmx.ajax("POST", link.dataset.post, { target: "#notice", swap: "innerHTML" })],
  ["[data-load]", (link) => htmx.ajax("GET", `${document.body.dataset.document}${link.dataset.load}/`, { target: link.closest(".sec"), swap: "outerHTML" })],
];

async function copy(button, plain) {
  await navigator.clipboard.writeText(plain ? button.dataset.plain : button.dataset.copy);
  say(plain ? "Plain value copied." : "Copied, defanged.");
}

export function say(text) {
  const box = document.createElement("div");
  box.className = "said";
  box.textContent = text;
  document.getElementById("notice")?.replaceChildren(box);
}

export function listen() {
  document.addEventListener("click", (event) => {
    if (event.ctrlKey || event.metaKey || event.shiftKey) return;
    const button = event.target.closest("[data-copy]");
    if (button) return void copy(button, event.altKey);
    const link = event.target.closest("[data-copy-link]");
    if (link) {
      event.preventDefault();
      navigator.clipboard.writeText(link.href).then(() => say("Link copied. It opens only for people in this incident."));
      return;
    }
    for (const [selector, act] of actions) {
      const found = event.target.closest(selector);
      if (!found || found.matches("input")) continue;
      event.preventDefault();
      act(found);
      return;
    }
    for (const menu of document.querySelectorAll("details.menu[open]")) if (!menu.contains(event.target)) menu.open = false;
  });
  document.addEventListener("change", (event) => {
    if (event.target.matches("input[data-post]")) actions[3][1](event.target);
  });
  document.addEventListener("htmx:after:swap", arrive);
  document.addEventListener("htmx:error", () => say("Not sent: no connection. What you typed is still in the form; press Save again."));
}

// What a save answered stands in the page as a hidden box; its entries go where they belong.
function arrive() {
  for (const box of document.querySelectorAll("[data-arrivals]")) {
    const html = box.innerHTML;
    const inside = box.closest(".is-open");
    box.remove();
    inside?.classList.remove("is-open");
    apply(html);
  }
  const said = document.querySelector("[data-notice]");
  const notice = document.getElementById("notice");
  if (said && notice && !notice.contains(said)) notice.replaceChildren(said);
}

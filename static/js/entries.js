// Writing without leaving the page. Without this module the marked links work as links; the page listens once.

import { arrive, back } from "./arrive.js";
import { apply } from "./live.js";
import { clear, copy, copyLink, copyPlain, failed, putAway, refuse } from "./notice.js";
import { closeMenus, load } from "./nav.js";
import { mayDiscard } from "./drafts.js";
import { dirty } from "./fields.js";

const FIRST = "input:not([type=hidden]), textarea, select";

function open(form, wanted = FIRST) {
  closeMenus();
  (form?.querySelector(wanted) ?? form?.querySelector(FIRST))?.focus();
}

async function edit(link) {
  const name = link.dataset.edit || link.closest(".entry").id;
  const body = () => document.getElementById(`${name}-body`);
  let target;
  do {
    target = body();
    if (!target || target.matches("form, .conflict")) break;
    await htmx.ajax("GET", link.href, { source: target, target, swap: "outerHTML" });
    if (body()?.matches("form")) document.getElementById(name).classList.add("is-open");
  } while (!target.isConnected); // again when the entry was drawn anew while its form was on the way
  open(body(), "textarea"); // the words are what one comes for
}

async function add(link) {
  const target = document.getElementById(`${link.dataset.add}-adder`);
  if (!target.querySelector("form")) await htmx.ajax("GET", link.href, { source: target, target, swap: "innerHTML" });
  target.scrollIntoView({ block: "center" });
  open(target);
}

function cancel(link) {
  const form = link.closest(".conflict, form.edit");
  if (!mayDiscard(form.matches("form") ? form : form.querySelector("form.edit"))) return undefined;
  const entry = form.closest(".entry");
  const kept = link.dataset.cancel && entry?.dataset.held !== "gone";
  if (kept) return htmx.ajax("GET", link.dataset.cancel, { source: form, target: form, swap: "outerHTML" });
  const around = form.parentElement;
  const section = around.closest(".sec");
  form.remove();
  if (entry?.dataset.held === "gone") apply(`<li id="${entry.id}" data-gone></li>`); // hidden by a colleague meanwhile
  back(entry, section);
}

// One of the two texts is taken while the joined one was worked on.
function choose(event) {
  const joined = event.target.closest(".versus")?.parentElement.querySelector("form.merge");
  if (!joined || !dirty(joined) || confirm("Discard the joined text that you changed? It is not saved.")) return;
  event.preventDefault();
  event.stopPropagation();
}

const post = (link) => htmx.ajax("POST", link.dataset.post, { source: link, target: "#notice", swap: "innerHTML" });

const actions = [
  ["[data-copy]", (button, event) => copy(button, event.altKey)],
  ["[data-copy-link]", copyLink],
  ["[data-copy-plain]", copyPlain],
  ["[data-put-away]", putAway],
  ["[data-edit]", edit],
  ["[data-add]", add],
  ["[data-cancel]", cancel],
  ["a[data-post]", post],
  ["[data-load]", load],
];

export function listen() {
  document.addEventListener("click", (event) => {
    if (event.ctrlKey || event.metaKey || event.shiftKey) return;
    for (const [selector, act] of actions) {
      const found = event.target.closest(selector);
      if (!found) continue;
      event.preventDefault();
      act(found, event);
      break;
    }
    closeMenus(event.target);
  });
  document.addEventListener("submit", choose, true); // before it is sent
  document.addEventListener("change", (event) => {
    if (event.target.matches("input[data-post]")) post(event.target);
  });
  document.addEventListener("htmx:before:request", clear);
  document.addEventListener("htmx:before:response", refuse);
  document.addEventListener("htmx:after:swap", arrive);
  document.addEventListener("htmx:error", failed);
}

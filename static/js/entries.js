// Writing without leaving the page. Without this module the marked links work as links; the page listens once.

import { apply, reload } from "./live.js";
import { clear, copy, copyLink, copyPlain, failed, refuse } from "./notice.js";
import { closeMenus, load } from "./nav.js";
import { count } from "./place.js";
import { discard, mayDiscard } from "./drafts.js";

function open(form) {
  closeMenus();
  form?.querySelector("input:not([type=hidden]), textarea, select")?.focus();
}

async function edit(link) {
  const name = link.dataset.edit || link.closest(".entry").id;
  const body = () => document.getElementById(`${name}-body`);
  if (!body().matches("form")) {
    await htmx.ajax("GET", link.href, { source: body(), target: body(), swap: "outerHTML" });
    if (body()?.matches("form")) document.getElementById(name).classList.add("is-open");
  }
  open(body());
}

async function add(link) {
  const target = document.getElementById(`${link.dataset.add}-adder`);
  if (!target.querySelector("form")) await htmx.ajax("GET", link.href, { source: target, target, swap: "innerHTML" });
  target.scrollIntoView({ block: "center" });
  open(target);
}

function cancel(link) {
  const form = link.closest(".conflict, form.edit");
  if (form.matches("form") ? !mayDiscard(form) : discard(form.querySelector("form.edit"))) return undefined;
  const entry = form.closest(".entry");
  const kept = link.dataset.cancel && entry?.dataset.held !== "gone";
  if (kept) return htmx.ajax("GET", link.dataset.cancel, { source: form, target: form, swap: "outerHTML" });
  const around = form.parentElement;
  form.remove();
  back(around);
  if (entry) apply(`<li id="${entry.id}" data-gone></li>`); // hidden by a colleague meanwhile
}

const post = (link) => htmx.ajax("POST", link.dataset.post, { source: link, target: "#notice", swap: "innerHTML" });

const actions = [
  ["[data-copy]", (button, event) => copy(button, event.altKey)],
  ["[data-copy-link]", copyLink],
  ["[data-copy-plain]", copyPlain],
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
  document.addEventListener("change", (event) => {
    if (event.target.matches("input[data-post]")) post(event.target);
  });
  document.addEventListener("htmx:before:request", clear);
  document.addEventListener("htmx:before:response", refuse);
  document.addEventListener("htmx:after:swap", arrive);
  document.addEventListener("htmx:error", failed);
}

// A save's answer stands in a hidden box; its entries go where they belong.
function arrive() {
  const said = document.querySelector("[data-notice]");
  const notice = document.getElementById("notice");
  if (said && notice && !notice.contains(said)) notice.replaceChildren(said);
  for (const box of document.querySelectorAll("[data-arrivals]")) {
    const html = box.innerHTML;
    const inside = box.closest(".is-open, .adder");
    box.remove();
    inside?.classList.remove("is-open");
    apply(html);
    if (inside) back(document.getElementById(inside.id));
    document.getElementById(/ id="([^"]+)"/.exec(html)?.[1])?.scrollIntoView({ block: "nearest" });
  }
  reload([...document.querySelectorAll("[data-stale]")].map((section) => section.id));
  count();
}

// The keyboard goes on where the form was.
function back(place) {
  if (document.activeElement && document.activeElement !== document.body) return;
  const menu = place?.querySelector(".acts summary") ?? place?.closest(".sec")?.querySelector(".sec-h .btn");
  menu?.focus({ preventScroll: true });
}

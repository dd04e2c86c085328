// Threads below an entry: opened by its count, written in without leaving the page. What arrives from others is
// worked in around what is open or being typed here.

import { closeMenus } from "./nav.js";
import { seek } from "./seek.js";

const SLOT = ".slot:has(form)";
const OWN = ["data-open", "data-new", "data-held", "data-editing", "data-unseen", "style", "open"]; // attributes that are the reader's, not the server's
const BUSY = `${SLOT}, .talk[data-open], .thread[open]`;

function attributes(present, fresh) {
  for (const { name } of [...present.attributes]) {
    if (!fresh.hasAttribute(name) && !OWN.includes(name)) present.removeAttribute(name);
  }
  for (const { name, value } of fresh.attributes) if (present.getAttribute(name) !== value) present.setAttribute(name, value);
}

// Brings an element up to what the server drew; forms in it, and what is unfolded, stay.
export function renew(present, fresh) {
  if (present.isEqualNode(fresh)) return present;
  if (!present.matches(BUSY) && !present.querySelector(BUSY)) {
    present.replaceWith(fresh);
    return fresh;
  }
  attributes(present, fresh);
  const key = (node) => node.id || `${node.localName} ${node.className}`;
  const old = new Map([...present.children].map((node) => [key(node), node]));
  let last = null;
  for (const child of [...fresh.children]) {
    const mine = old.get(key(child));
    old.delete(key(child));
    const here = mine ? renew(mine, child) : child;
    if (here.parentNode !== present || here.previousElementSibling !== last) present.insertBefore(here, last ? last.nextSibling : present.firstChild);
    last = here;
  }
  for (const node of old.values()) if (!node.matches(".slot")) node.remove();
  unfold(present);
  return present;
}

// The threads of an entry as they are now; somebody else's new comment is marked for a while.
export function heard(present, fresh) {
  const more = Number(fresh.dataset.remarks) > Number(present.dataset.remarks ?? 0);
  const talk = renew(present, fresh);
  if (!more || talk.dataset.byId === document.body.dataset.me) return null;
  talk.dataset.new = "";
  setTimeout(() => delete talk.dataset.new, 8000);
  const said = document.getElementById("said");
  if (said) said.textContent = `${talk.dataset.by} commented`;
  return talk;
}

function unfold(talk) {
  if (talk.matches(".talk")) talk.querySelector(".talk-b")?.setAttribute("aria-expanded", "open" in talk.dataset);
}

function open(talk, on) {
  talk.toggleAttribute("data-open", on);
  unfold(talk);
}

// The form of a comment, opened where it goes.
export async function formOf(link) {
  const place = document.getElementById(link.dataset.say);
  open(place.closest(".talk"), true);
  const slot = place.querySelector(":scope > .slot") ?? Object.assign(document.createElement("div"), { className: "slot" });
  if (!slot.isConnected) place.append(slot);
  if (!slot.querySelector("form")) await htmx.ajax("GET", link.href, { source: slot, target: slot, swap: "innerHTML" });
  return slot.querySelector("form");
}

async function say(link) {
  closeMenus();
  (await formOf(link))?.elements.text.focus();
}

// A link to a comment, or to an entry's comments, opens the thread.
function find() {
  if (!/^#(talk|thread|comment)-[\w-]+$/.test(location.hash)) return;
  const there = document.querySelector(location.hash);
  if (!there) return;
  open(there.closest(".talk"), true);
  there.closest("details.thread")?.setAttribute("open", "");
  seek(there.matches(".talk") ? there.closest(".entry") : there);
}

export function talking() {
  find();
  addEventListener("hashchange", find);
  document.addEventListener("click", (event) => {
    if (event.ctrlKey || event.metaKey || event.shiftKey) return;
    const link = event.target.closest("[data-talk], [data-say]");
    if (!link) return;
    event.preventDefault();
    if (link.dataset.say) say(link);
    else open(link.parentElement, !("open" in link.parentElement.dataset));
  });
}

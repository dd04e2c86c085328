// What is said to the reader in the box at the foot, and what goes to the clipboard.

import { isForm } from "./fields.js";
import { renew } from "./renew.js";
import { standing } from "./undo.js";

export function say(text) {
  const box = document.createElement("div");
  box.className = "said";
  box.textContent = text;
  const notice = document.getElementById("notice");
  notice?.replaceChildren(box, ...standing(notice));
  const echo = document.querySelector("[data-echo]"); // the sheet on a phone covers the notice
  if (echo) echo.textContent = text;
}

// What was said belongs to what was done before.
export function clear(event) {
  if (event.target.id === "checks") return;
  const notice = document.getElementById("notice");
  notice?.replaceChildren(...standing(notice));
  const echo = document.querySelector("[data-echo]");
  if (echo) echo.textContent = "";
}

// By its button, or by Escape outside of fields.
export function putAway() {
  document.getElementById("notice")?.replaceChildren();
}

export async function copy(button, plain) {
  await navigator.clipboard.writeText(plain ? button.dataset.plain : button.dataset.copy);
  say(plain ? "Plain value copied." : "Copied, defanged.");
}

export async function copyPlain(link) {
  await navigator.clipboard.writeText(link.closest(".entry").dataset.plain);
  say("Plain value copied.");
}

export async function copyLink(link) {
  await navigator.clipboard.writeText(link.href);
  say("Link copied. It opens only for people in this incident.");
}

// A refusal is a page of its own for a browser without scripts; here it must not take the place of anything.
export function refuse(event) {
  const { sourceElement, response } = event.detail.ctx;
  const { status, raw } = response;
  if (event.defaultPrevented || isForm(sourceElement)) return;
  if (raw?.redirected) signIn(raw.url);
  else if (status >= 400 && ![409, 422].includes(status)) {
    if (status === 403) renew();
    say(reason(status));
  } else return;
  event.preventDefault();
  undone(sourceElement);
}

const KEPT = "What you typed is kept on this device";

export function reason(status) {
  if (status === 400 || status === 413) return `Not saved: it is too large, or damaged. ${KEPT}.`;
  if (status === 403) return `Not done. You may not do this, or you signed in anew: then press Save again. ${KEPT}.`;
  if (status === 404) return `Not done: it is not there any more, or not yours. ${KEPT}.`;
  return `Not saved: the server has a fault. ${KEPT}; try again.`;
}

export function signIn(address) {
  say(`Not saved: you were signed out. ${KEPT} until you sign in again.`);
  const link = document.createElement("a");
  link.href = `${new URL(address).pathname}?next=${encodeURIComponent(location.pathname)}`;
  link.textContent = "Sign in";
  document.querySelector("#notice .said")?.append(" ", link);
}

// A tick is what the server said last.
function undone(element) {
  if (element?.matches?.("input[type=checkbox][data-post]")) element.checked = !element.checked;
}

// Only what somebody did is worth a word.
export function failed(event) {
  const source = event.detail.ctx?.sourceElement;
  if (!source?.matches?.("[data-post], [data-undo], .drawer form, .adder, .slot, .entry > .body")) return;
  undone(source);
  say("Not done: no connection. Do it again when the line is back.");
}

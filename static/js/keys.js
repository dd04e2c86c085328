// The keyboard. Ctrl+Enter and Escape work inside forms; single keys only outside fields, and they can be
// turned off for those who dictate (WCAG 2.1.4).

import { historyOf } from "./drawer.js";
import { closeMenus, guidance } from "./nav.js";
import { putAway } from "./notice.js";
import { undo } from "./undo.js";

const FIELD = "input:not([type=checkbox]), textarea, select, dialog";
const off = () => localStorage.getItem("keys") === "off";
const atHand = () => document.activeElement?.closest(".entry") ?? document.querySelector(".entry:hover");

function step(direction) {
  const rows = [...document.querySelectorAll(".list > .entry")].filter((row) => row.checkVisibility());
  const here = rows.indexOf(atHand());
  const next = here < 0 ? (rows.find((row) => row.getBoundingClientRect().top > 96) ?? rows.at(-1)) : rows[here + direction];
  next?.querySelector(".acts summary")?.focus();
}

const single = {
  "/": () => {
    const sheet = document.getElementById("capture");
    if (!sheet.checkVisibility()) sheet.showPopover();
    document.getElementById("cap").focus({ preventScroll: true });
  },
  e: () => atHand()?.querySelector("[data-edit]")?.click(),
  m: () => atHand()?.querySelector("[data-say]")?.click(),
  j: () => step(1),
  k: () => step(-1),
  g: guidance,
  h: () => historyOf(atHand()),
  "?": () => document.getElementById("keys").togglePopover(),
};

function escape(target) {
  const menu = document.querySelector("details.menu[open]");
  if (menu) {
    closeMenus();
    menu.querySelector("summary").focus();
    return;
  }
  target.closest?.("form.edit")?.querySelector("[data-cancel]")?.click();
  if (target.id === "cap") target.blur();
  else if (!target.closest?.(FIELD) && !document.querySelector(":popover-open, dialog[open]")) putAway();
}

// The sheet of a phone opens with nothing said and the caret in its line.
function begin(event) {
  if (event.newState !== "open") return;
  document.querySelector("[data-echo]").textContent = "";
  document.getElementById("cap").focus({ preventScroll: true });
}

export function keys() {
  document.getElementById("capture")?.addEventListener("toggle", begin);
  const choice = document.querySelector("[data-keys]");
  if (choice) choice.checked = !off();
  choice?.addEventListener("change", () => localStorage.setItem("keys", choice.checked ? "on" : "off"));
  document.addEventListener("keydown", (event) => {
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) event.target.closest?.("form.edit")?.requestSubmit();
    if (event.key === "Escape") escape(event.target);
    if (event.target.closest?.(FIELD)) return;
    if (event.key === "z" && (event.ctrlKey || event.metaKey) && !event.altKey && !event.shiftKey) undo(event);
    if (event.ctrlKey || event.metaKey || event.altKey || off()) return;
    if (!Object.hasOwn(single, event.key)) return;
    event.preventDefault();
    single[event.key]();
  });
}

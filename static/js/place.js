// Puts an element of a live message where it belongs. The same for what a colleague did and what was
// written here: an element replaces the one with its id, or goes into its list by its sort key.

import { hold } from "./held.js";
import { unmark } from "./presence.js";
import { heard, renew } from "./talk.js";

const compare = (a, b) => (a < b ? -1 : a > b ? 1 : 0);
export function place(element) {
  const present = document.getElementById(element.id);
  if (present?.matches(".talk")) return heard(present, element); // null when nobody said anything new
  if (present?.querySelector("gone" in element.dataset ? "form.edit" : "form.edit:not(.say)")) {
    hold(present, element); // somebody types here
    return null;
  }
  if ("gone" in element.dataset) {
    const list = present?.closest(".list");
    present?.remove();
    if (list) days(list);
    return null;
  }
  const talk = present?.querySelector(":scope > .talk");
  if (talk) element.querySelector(":scope > [data-kept]")?.replaceWith(talk.cloneNode(true)); // what was said stays
  if (present && same(present, element)) {
    if (talk) renew(talk, element.querySelector(":scope > .talk"));
    return present;
  }
  const list = element.dataset.list && document.getElementById(element.dataset.list);
  const focused = present?.contains(document.activeElement) && document.activeElement;
  const unfolded = present?.querySelector(".acts details[open]");
  const from = present?.closest(".list");
  const moved = present && (present.dataset.sort !== element.dataset.sort || from !== list);
  if (present) element = renew(present, element); // around what is being said about it
  if (list) settle(list, element, { present, moved, from });
  if (unfolded) element.querySelector(".acts details").open = true;
  if (focused) (focused.closest(".slot form") ? focused : element.querySelector(".acts summary"))?.focus({ preventScroll: true });
  return (list || present) && element;
}

// Whether the server would draw it as it stands; an open menu, a mark and what is on its way are the reader's own.
function same(present, element) {
  const drawn = present.cloneNode(true);
  delete drawn.dataset.new;
  unmark(drawn);
  const said = element.cloneNode(true);
  for (const side of [drawn, said]) side.querySelector(":scope > .talk")?.remove();
  for (const menu of drawn.querySelectorAll(".acts details[open]")) menu.open = false;
  for (const busy of drawn.querySelectorAll(".htmx-request")) busy.classList.remove("htmx-request");
  return drawn.isEqualNode(said);
}

function settle(list, element, { present, moved, from }) {
  if (!present || moved) {
    element.remove();
    insert(list, element);
    if (from && from !== list) days(from);
  }
  days(list);
  const phase = list.closest("details.phase");
  if (phase && !present) phase.open = true; // the first fact of a phase that stood empty
}

function insert(list, element) {
  const direction = list.dataset.order === "desc" ? -1 : 1;
  const after = [...list.children].find(
    (other) => other.dataset.sort && compare(other.dataset.sort, element.dataset.sort) * direction > 0,
  );
  list.insertBefore(element, after ?? null);
}

// One heading before the first entry of each day.
function days(list) {
  let last = "";
  for (const heading of list.querySelectorAll(":scope > .day")) heading.remove();
  for (const entry of list.querySelectorAll(":scope > [data-day]")) {
    if (entry.dataset.day === last) continue;
    last = entry.dataset.day;
    const heading = document.createElement("li");
    heading.className = "day";
    heading.textContent = last;
    entry.before(heading);
  }
}

export function count() {
  for (const node of document.querySelectorAll("[data-count-of]")) {
    node.textContent = document.querySelectorAll(node.dataset.countOf).length;
  }
  for (const node of document.querySelectorAll("[data-count]")) {
    const entries = document.querySelectorAll(`[data-of="${node.dataset.count}"] > .entry`).length;
    const earlier = document.querySelector(`#${node.dataset.count} [data-load]`);
    node.textContent = entries + (earlier ? Number.parseInt(earlier.textContent, 10) : 0) || (node.matches(".cnt") ? 0 : "");
  }
  for (const node of document.querySelectorAll("[data-count-list]")) {
    const list = document.getElementById(node.dataset.countList);
    const entries = list ? list.querySelectorAll(":scope > li[data-sort]").length : 0;
    node.textContent = entries;
    node.closest("[data-n]")?.setAttribute("data-n", entries);
  }
}

// After an answer of the server took its place: what was saved goes where it belongs, and so does the keyboard.

import { apply, reload } from "./live.js";
import { count } from "./place.js";

// A save's answer stands in a hidden box; its entries go where they belong.
export function arrive() {
  const said = document.querySelector("[data-notice]");
  const notice = document.getElementById("notice");
  if (said && notice && !notice.contains(said)) notice.replaceChildren(said);
  for (const box of document.querySelectorAll("[data-arrivals]")) {
    const html = box.innerHTML;
    const remarked = box.closest(".slot"); // a comment was sent: the form of the entry around it stays open
    const inside = remarked ?? box.closest(".is-open, .adder");
    const place = remarked?.closest(".entry") ?? inside;
    box.remove();
    remarked?.remove();
    inside?.classList.remove("is-open");
    apply(html);
    if (place) back(document.getElementById(place.id));
    document.getElementById(/ id="([^"]+)"/.exec(html)?.[1])?.scrollIntoView({ block: "nearest" });
  }
  for (const conflict of document.querySelectorAll(".conflict:not([data-seen])")) {
    conflict.dataset.seen = "";
    document.querySelector("#notice [data-brief]")?.remove();
    conflict.firstElementChild.focus();
  }
  reload([...document.querySelectorAll("[data-stale]")].map((section) => section.id));
  count();
}

// The keyboard goes on where the form was.
export function back(place) {
  if (document.activeElement && document.activeElement !== document.body) return;
  const menu = place?.querySelector(".acts summary") ?? place?.closest(".sec")?.querySelector(".sec-h [data-add]");
  menu?.focus({ preventScroll: true });
}

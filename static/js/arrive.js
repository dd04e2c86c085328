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
    const id = / id="([^"]+)"/.exec(html)?.[1];
    const section = (document.getElementById(id) ?? box).closest(".sec") ?? document.getElementById(id?.slice(0, -37)); // hidden: it is gone already
    const remarked = box.closest(".slot"); // a comment was sent: the form of the entry around it stays open
    const inside = remarked ?? box.closest(".is-open, .adder");
    const home = (remarked?.closest(".entry") ?? inside)?.id || id;
    box.remove();
    remarked?.remove();
    inside?.classList.remove("is-open");
    apply(html);
    const place = document.getElementById(home);
    const arrived = document.getElementById(id);
    back(place?.closest(".entry") ?? place, section ?? arrived?.closest(".sec"));
    arrived?.scrollIntoView({ block: "nearest" });
  }
  for (const conflict of document.querySelectorAll(".conflict:not([data-seen])")) {
    conflict.dataset.seen = "";
    conflict.closest(".entry")?.classList.add("is-open");
    document.querySelector("#notice [data-brief]")?.remove();
    conflict.firstElementChild.focus();
  }
  reload([...document.querySelectorAll("[data-stale]")].map((section) => section.id));
  count();
}

// The keyboard goes on where the form or the entry was, or at the head of its section.
export function back(entry, section) {
  if (document.activeElement && document.activeElement !== document.body) return;
  const places = [entry?.querySelector(".acts summary"), section?.querySelector(".sec-h [data-add]"), section?.querySelector(".sec-h .btn")];
  places.find((place) => place?.checkVisibility())?.focus({ preventScroll: true });
}

// Where a link leads, or the number of what is not sent. Rows that were not drawn yet take their height when they come
// near, and push away what was sought: so it is sought until it stands.

import { draftOf } from "./drafts.js";

const TURNS = 20;
let shown; // of what is not sent: where the last press led
const frame = () => new Promise(requestAnimationFrame);

export async function seek(element) {
  for (let turn = 0, before; turn < TURNS && element.isConnected; turn += 1) {
    const block = element.offsetHeight > innerHeight / 2 ? "start" : "center";
    element.scrollIntoView({ block, behavior: "instant" });
    await frame();
    await frame();
    const now = element.getBoundingClientRect().top;
    if (Math.abs(now - before) < 1) return;
    before = now;
  }
}

// The address names an entry.
function linked() {
  const there = document.getElementById(location.hash.slice(1));
  if (!there?.matches(".entry")) return;
  there.closest("details")?.setAttribute("open", "");
  seek(there);
}

// What is not sent, one after the other.
async function kept() {
  const all = [...document.querySelectorAll("form, .entry[data-waiting]")];
  const places = all.filter((place) => !place.matches("form") || draftOf(place));
  if (!places.length) return;
  shown = places[(places.indexOf(shown) + 1) % places.length];
  const next = shown;
  await seek(next);
  (next.querySelector("textarea") ?? next.querySelector("input:not([type=hidden]), select"))?.focus({ preventScroll: true });
}

export function seeking() {
  if (document.readyState === "complete") linked();
  else addEventListener("load", linked);
  addEventListener("hashchange", linked);
  document.addEventListener("click", (event) => event.target.closest("[data-unsent]") && kept());
}

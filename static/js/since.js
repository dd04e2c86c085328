// What is new to this person. A section counts as seen when it has been on a visible screen for two seconds; when all
// are, the server is told, and only then: a reload brings back what has not been seen.

const SECONDS = 2;
const AGAIN = 60; // seconds at least between two words to the server, however much arrives
const KEEP = 10 * 60; // seconds after which it is told that somebody is still looking
const waiting = new Map(); // section → seconds on screen
let line;
let quiet = AGAIN - SECONDS; // seconds with nothing new on a visible screen since the server was told
let told = -1; // the revision that it was told

export function since() {
  line = document.getElementById("since");
  if (!line) return;
  for (const id of line.dataset.unseen.split(" ").filter(Boolean)) {
    document.getElementById(id)?.setAttribute("data-unseen", "New to you");
  }
  for (const mark of document.querySelectorAll("[data-mark]:has(.dot)")) waiting.set(mark.dataset.mark, 0);
  line.addEventListener("submit", (event) => {
    event.preventDefault();
    for (const name of [...waiting.keys()]) seen(name);
    for (const entry of document.querySelectorAll("[data-unseen]:not(#since)")) entry.removeAttribute("data-unseen");
    event.target.remove();
    tell();
  });
  document.addEventListener("sitroom:arrived", ({ detail }) => arrived(detail));
  setInterval(look, 1000);
  document.addEventListener("visibilitychange", () => document.hidden && told >= 0 && !waiting.size && news() && tell());
}

// An entry or a comment came, or an entry was kept back because somebody types in it.
function arrived({ id, entry: placed, by }) {
  if (by === document.body.dataset.me) return;
  const entry = (placed ?? document.querySelector(`[id="${id}"][data-held]`))?.closest(".entry");
  const name = entry?.closest("[data-section]")?.dataset.section;
  if (!name || (!document.hidden && onScreen(entry))) return;
  entry.dataset.unseen = "New to you";
  waiting.set(name, 0);
  document.querySelector(`[data-mark="${name}"]`)?.replaceChildren(line.querySelector("template").content.cloneNode(true));
}

function onScreen(element) {
  const box = element?.getBoundingClientRect();
  return Boolean(box?.height) && box.top < innerHeight * 0.8 && box.bottom > 120;
}

function look() {
  if (document.hidden || !line.isConnected) return;
  for (const [name, seconds] of waiting) {
    if (!onScreen(document.getElementById(name))) continue;
    if (seconds + 1 >= SECONDS) seen(name);
    else waiting.set(name, seconds + 1);
  }
  if (waiting.size) return;
  quiet += 1;
  if ((news() && quiet >= AGAIN) || quiet >= KEEP) tell();
}

const news = () => told !== Number(document.body.dataset.revision);

function seen(name) {
  waiting.delete(name);
  if (!waiting.size && told < 0) quiet = AGAIN;
  document.querySelector(`[data-mark="${name}"]`)?.replaceChildren();
}

async function tell() {
  quiet = 0;
  told = Number(document.body.dataset.revision);
  const headers = { "HX-Request": "true", ...JSON.parse(document.body.getAttribute("hx-headers:inherited")) };
  const body = new URLSearchParams({ revision: told });
  const answer = await fetch(line.dataset.seen, { method: "POST", headers, body, keepalive: true }).catch(() => null);
  if (!answer?.ok) told = -1; // again in a minute, with the token that the page has then
}

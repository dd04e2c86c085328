// The live stream. The browser's EventSource reconnects by itself and says what it saw last; a hidden tab
// that was put to sleep does the same. Nothing is applied twice: elements replace by id.

import { count, place } from "./place.js";
import { fresh } from "./time.js";
import { flush, forget, typing } from "./drafts.js";
import { signedOut } from "./session.js";

const body = document.body;

export function apply(html, { arrived = false } = {}) {
  const holder = document.createElement("template");
  holder.innerHTML = html;
  for (const element of [...holder.content.children]) {
    const placed = place(element);
    if (arrived && placed?.matches(".entry") && placed.dataset.byId !== body.dataset.me) mark(placed);
    if (placed?.matches(".entry")) heading(placed);
  }
  count();
  fresh();
  document.querySelector("[hx-trigger^='sitroom:changed']")?.dispatchEvent(new CustomEvent("sitroom:changed"));
}

function heading(entry) {
  const section = entry.closest("[data-section]")?.dataset.section;
  const when = document.querySelector(`[data-when="${section}"]`);
  const link = document.querySelector(`[data-fresh="${section}"]`);
  if (!when || !entry.dataset.changed) return;
  if (link?.dataset.at && Date.parse(link.dataset.at) > Date.parse(entry.dataset.changed)) return;
  const at = document.createElement("span");
  at.dataset.at = entry.dataset.changed;
  when.replaceChildren(at, ` · ${entry.dataset.by}`);
  if (link) link.dataset.at = entry.dataset.changed;
}

let spoken = 0;
function mark(entry) {
  const what = entry.dataset.rev === "1" ? "added" : "changed";
  entry.dataset.new = `${entry.dataset.by} ${what} this just now`;
  setTimeout(() => delete entry.dataset.new, 8000);
  const said = document.getElementById("said");
  if (said && Date.now() - spoken > 10_000) {
    spoken = Date.now();
    said.textContent = `${entry.dataset.by} ${what} an entry`;
  }
}

// Nothing of the incident stays on the screen. Who may go on (with another role, accepting anew, signing in) does.
async function gone() {
  const page = document.getElementById("gone-page");
  document.title = "Sitroom";
  flush();
  body.replaceChildren(page.content.cloneNode(true));
  const answer = await fetch(location.pathname).catch(() => null);
  if ([403, 404].includes(answer?.status)) await forget();
  if (answer && signedOut(answer)) return location.replace(answer.url);
  if (answer?.ok) location.replace(answer.url);
}

// A section in which somebody types is loaded again when the form is closed.
export function reload(names) {
  for (const name of names) {
    const section = document.getElementById(name);
    if (section?.querySelector("form.edit")) section.dataset.stale = "";
    else if (section) htmx.ajax("GET", `${body.dataset.document}${name}/`, { source: section, target: section, swap: "outerHTML" });
  }
}

export function connect() {
  if (!body.dataset.live) return;
  let failures = 0;
  const source = new EventSource(`${body.dataset.live}?since=${body.dataset.revision}`);
  source.addEventListener("open", () => {
    failures = 0;
    delete body.dataset.link;
    document.dispatchEvent(new CustomEvent("sitroom:open"));
  });
  source.addEventListener("can", (event) => (body.dataset.can = event.data)); // another role, the same page
  source.addEventListener("change", (event) => {
    if (event.lastEventId) body.dataset.revision = event.lastEventId;
    apply(event.data, { arrived: true });
  });
  source.addEventListener("reload", (event) => {
    // Far behind: the whole page again, unless somebody types on it.
    if (typing()) reload(event.data.split(" ").filter(Boolean));
    else location.reload();
  });
  source.addEventListener("gone", () => {
    source.close();
    gone();
  });
  source.addEventListener("error", async () => {
    failures += 1;
    if (failures > 1 || source.readyState === EventSource.CLOSED) body.dataset.link = "down";
    if (source.readyState !== EventSource.CLOSED) return;
    // An answer that was no stream: refused for good, or a server that is starting.
    const answer = await fetch(body.dataset.live, { headers: { Accept: "text/plain" }, signal: AbortSignal.timeout(3000) }).catch(() => null);
    if (answer?.body) answer.body.cancel();
    if (answer && [401, 403, 404].includes(answer.status)) gone();
    else setTimeout(connect, 1000 + Math.random() * 1000);
  });
}

// What the live stream says becomes the page. Nothing is applied twice: elements replace by id.

import { count, place } from "./place.js";
import { fresh } from "./time.js";
import { typing } from "./drafts.js";
import { gone, may } from "./gone.js";
import { editing, here, marks } from "./presence.js";
import { join } from "./stream.js";

const body = document.body;

export function apply(html, { arrived = false } = {}) {
  const holder = document.createElement("template");
  holder.innerHTML = html;
  for (const element of [...holder.content.children]) {
    const placed = place(element);
    if (arrived && placed?.matches(".entry") && placed.dataset.byId !== body.dataset.me) mark(placed);
    if (placed?.matches(".entry")) heading(placed);
    if (arrived) document.dispatchEvent(new CustomEvent("sitroom:arrived", { detail: { id: element.id, entry: placed, by: element.dataset.byId } }));
  }
  count();
  fresh();
  marks();
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

// A section in which somebody types is loaded again when the form is closed.
export function reload(names) {
  for (const name of names) {
    const section = document.getElementById(name);
    if (section?.querySelector("form.edit")) section.dataset.stale = "";
    else if (section) htmx.ajax("GET", `${body.dataset.document}${name}/`, { source: section, target: section, swap: "outerHTML" });
  }
}

function hear({ kind, data, id }) {
  if (id && id <= Number(body.dataset.revision)) return; // another tab had to catch up
  if (id) body.dataset.revision = id;
  if (kind === "change") apply(data, { arrived: true });
  else if (kind === "can") may(data);
  else if (kind === "here") here(data);
  else if (kind === "told") document.dispatchEvent(new CustomEvent("sitroom:told"));
  else if (kind === "gone") gone();
  else if (kind === "open") up();
  else if (["down", "paused"].includes(kind)) body.dataset.link = kind;
  // Far behind: the whole page again, unless somebody types on it.
  else if (kind === "reload" && typing()) reload(data.split(" ").filter(Boolean));
  else if (kind === "reload") location.reload();
}

function up() {
  delete body.dataset.link;
  document.dispatchEvent(new CustomEvent("sitroom:open"));
}

export function connect() {
  if (!body.dataset.live) return;
  let before = "";
  const say = join(hear, editing);
  document.addEventListener("htmx:after:swap", () => {
    const now = String(editing());
    if (now !== before) say();
    before = now;
  });
}

// The history over the document: any link to it opens here instead of leaving the page. Escape closes it and the
// focus goes back to where it was. New rows come in as they happen.

import { closeMenus } from "./nav.js";
import { say } from "./notice.js";

const base = () => `${document.body.dataset.document}history/`;
let dialog, opener; // what had the focus
let from = ""; // the entry that it was in, which a colleague may change meanwhile
let address = "";
let asked = 0;

export function drawer() {
  dialog = document.getElementById("history");
  document.addEventListener("click", follow);
  dialog.addEventListener("change", (event) => sieve(event.target.closest(".sieve")));
  dialog.addEventListener("submit", (event) => {
    if (!event.target.matches(".sieve")) return;
    event.preventDefault();
    sieve(event.target);
  });
  dialog.addEventListener("close", back);
  document.addEventListener("htmx:after:swap", restored);
  document.addEventListener("htmx:after:request", conflict);
  let due;
  document.addEventListener("sitroom:arrived", () => {
    clearTimeout(due);
    due = setTimeout(again, 300);
  });
}

export function historyOf(entry) {
  opener = entry?.querySelector(".acts summary") ?? document.activeElement;
  return show(base() + (entry ? `?entry=${entry.id.slice(-36)}` : ""));
}

function follow(event) {
  if (event.ctrlKey || event.metaKey || event.shiftKey) return;
  if (event.target === dialog || event.target.closest("[data-close]")) return dialog.close();
  const link = event.target.closest("a[href]");
  if (!link) return;
  if (dialog.contains(link) && link.hash && link.pathname === location.pathname) return dialog.close(); // to an entry
  if (link.origin !== location.origin || !link.pathname.startsWith(base())) return;
  if (!/^(\d+\/)?$/.test(link.pathname.slice(base().length))) return;
  event.preventDefault();
  if (!dialog.open) opener = link.closest(".menu")?.querySelector("summary") ?? link;
  show(link.pathname + link.search);
}

async function show(wanted, { quiet = false } = {}) {
  const turn = (asked += 1);
  address = wanted;
  const answer = await fetch(wanted, { headers: { "HX-Request": "true" } }).catch(() => null);
  if (!answer?.ok || answer.redirected) {
    if (!quiet) say("The history could not be loaded. Try again when the line is back.");
    return;
  }
  const html = await answer.text();
  if (!dialog.isConnected || turn !== asked) return; // access was withdrawn, or something else chosen, meanwhile
  const open = [...dialog.querySelectorAll("details[open]")].map((each) => each.closest("li").id);
  const { scrollTop } = dialog;
  const held = dialog.contains(document.activeElement) && document.activeElement.closest("li")?.id;
  dialog.innerHTML = html;
  htmx.process(dialog);
  if (!dialog.open) {
    from = opener?.closest(".entry")?.id ?? "";
    closeMenus();
    dialog.showModal();
  }
  if (!quiet) dialog.scrollTop = 0;
  else {
    for (const id of open) dialog.querySelector(`#${id} details`)?.setAttribute("open", "");
    dialog.scrollTop = scrollTop;
  }
  const row = quiet && held ? dialog.querySelector(`#${held}`) : null;
  (row?.querySelector("summary, a") ?? dialog.querySelector("[data-close]")).focus({ preventScroll: true });
}

const again = () => dialog.open && show(address, { quiet: true });

const sieve = (form) => form && show(`${base()}?${new URLSearchParams(new FormData(form))}`);

// What was restored from here has changed the document; the new row shows it.
function restored(event) {
  if (dialog.contains(event.detail.ctx?.sourceElement)) again();
}

function conflict(event) {
  const { sourceElement, response } = event.detail.ctx ?? {};
  if (response?.status === 409 && dialog.contains(sourceElement)) dialog.close();
}

function back() {
  asked += 1; // what is on its way comes too late
  dialog.replaceChildren();
  const place = opener?.isConnected ? opener : document.getElementById(from)?.querySelector(".acts summary");
  place?.focus({ preventScroll: true });
}

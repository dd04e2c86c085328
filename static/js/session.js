// Every page of somebody who is signed in: signing out leaves nothing on the device and warns first, questions
// before what cannot be taken back, and forms that outlive a session.

import { flush, keeping, nameOf } from "./drafts.js";
import { wordsOf } from "./fields.js";
import { all, drop, sealing, wipe } from "./sealed.js";
import { drafts, lines } from "./tally.js";

const tabs = new BroadcastChannel("sitroom"); // the tabs of this browser on this site
const SENT = "sent";
let out = false;
export const signedOut = (answer) => out && answer.redirected;

function leave() {
  out = true;
  wipe();
  drafts.clear();
  lines.clear();
}

async function signOut(form) {
  flush();
  const kept = await all();
  const told = kept.slice(0, 5).map((one) => `${one.label}: ${wordsOf(one.fields).slice(0, 200)}`);
  if (kept.length > 5) told.push(`and ${kept.length - 5} more`);
  if (told.length && !confirm(`Not sent yet, and lost when you sign out:\n\n${told.join("\n")}\n\nSign out all the same?`)) return;
  const body = new URLSearchParams(new FormData(form));
  if (sealing) body.set("wipes", "own"); // what others left here is sealed, and theirs
  const answer = await fetch(form.action, { method: "POST", body }).catch(() => null);
  if (!answer?.ok) {
    alert("Not signed out: no connection to the server. What you typed is kept.");
    return;
  }
  leave();
  tabs.postMessage("signed out");
  location.assign(answer.url);
}

tabs.addEventListener("message", leave);
document.addEventListener("submit", (event) => {
  const form = event.target;
  const question = event.submitter?.dataset.confirm ?? form.dataset.confirm;
  if (question && !confirm(question)) event.preventDefault();
  else if (new URL(form.action).pathname === "/sign-out/") {
    event.preventDefault();
    signOut(form);
  } else if (form.dataset.keep) {
    flush();
    const draft = drafts.get(nameOf(form));
    if (draft) sessionStorage.setItem(SENT, draft.id);
  }
});

// A form that was sent from this tab and led on was stored; the page for signing in takes the mark away, and
// who has to confirm first goes on afterwards.
async function settle() {
  if (location.pathname.startsWith("/account/confirm/")) return;
  const id = sessionStorage.getItem(SENT);
  sessionStorage.removeItem(SENT);
  if (id && performance.getEntriesByType("navigation")[0].redirectCount) await drop(id);
}

keeping();
const settled = settle();
if (!document.body.dataset.live && document.querySelector("form[data-keep]")) settled.then(() => import("./back.js")).then(({ bringBack }) => bringBack(), () => null); // the page was left first

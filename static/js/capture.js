// The line at the foot of the page. Enter puts it into a queue on this device and empties the box at once, so
// that the next one can be typed; the queue sends one after the other and outlives a cut and a reload.

import { discard, here } from "./drafts.js";
import { fieldsOf } from "./fields.js";
import { arrived, returned } from "./landed.js";
import { say, signIn } from "./notice.js";
import { renew } from "./renew.js";
import { newId, uuid } from "./ids.js";
import { drop, get, put } from "./sealed.js";
import { BUSY, onRetry, soon } from "./again.js";
import { lines, saving, tell } from "./tally.js";
import { waitingRow } from "./waiting.js";

const box = () => document.querySelector("#capture form");

function queue(form) {
  const value = { at: here, kind: "line", fields: fieldsOf(form), label: "Write it down", since: Date.now() };
  const line = { ...value, id: newId() };
  lines.set(line.id, line);
  line.stored = put(line.id, value).catch(() => (line.unkept = true));
  form.elements.id.value = uuid();
  form.elements.text.value = "";
  discard(form);
  waitingRow(line);
  send();
}

let running = null;
const send = () => (running ??= inTurn(sendAll).finally(() => (running = null)));
const inTurn = (work) => navigator.locks?.request(`lines ${document.body.dataset.me}`, work) ?? work(); // one tab at a time

async function sendAll() {
  if (!box()) return; // the page went blank: another one sends it
  for (const line of lines.values()) {
    if (line.waiting && !line.unkept && !(await get(line.id))) leave(line); // another tab was first
    else {
      saving.add(line);
      tell();
      const gone = await sendOne(line).finally(() => saving.delete(line));
      if (!gone) return wait(gone === undefined);
    }
  }
  return tell();
}

// False: to be sent again; undefined: after signing in.
async function sendOne(line, again = false) {
  const headers = { "HX-Request": "true", ...JSON.parse(document.body.getAttribute("hx-headers:inherited")) };
  const request = { method: "POST", headers, body: new URLSearchParams(line.fields), signal: AbortSignal.timeout(20_000) };
  const answer = await fetch(box().getAttribute("action"), request).catch(() => null);
  if (answer?.status === 403 && !again) return renew().then(() => sendOne(line, true));
  const html = await answer?.text().catch(() => null);
  if (answer?.redirected) return void signIn(answer.url);
  if (typeof html !== "string" || BUSY.includes(answer.status)) return false;
  leave(line);
  if (answer.ok) arrived(html, line);
  if (answer.ok || returned(box(), line, html, answer.status)) forget(line);
  return true;
}

function wait(signedOut) {
  const told = [...lines.values()].every((line) => line.waiting);
  for (const line of lines.values()) {
    line.waiting = true;
    waitingRow(line);
  }
  tell();
  if (!told && !signedOut) say("Not sent. Kept on this device; it is sent when the line is back.");
  soon();
}

function leave(line) {
  lines.delete(line.id);
  document.querySelector(`[data-waiting="${line.id}"]`)?.remove();
}

const forget = (line) => Promise.resolve(line.stored).then(() => drop(line.id));

export function capturing() {
  document.addEventListener("submit", (event) => {
    const form = event.target;
    if (!form.closest("#capture") || !form.elements.text.value.trim()) return; // the server says what an empty line lacks
    event.preventDefault();
    event.stopPropagation();
    queue(form);
  }, true);
  onRetry(() => lines.size && send());
  document.addEventListener("htmx:after:swap", () => lines.forEach(waitingRow)); // a section that was loaded again
}

// A line that another page of this person left behind.
export function takeOver(kept) {
  if (lines.has(kept.id)) return;
  lines.set(kept.id, { ...kept, waiting: true });
  waitingRow(lines.get(kept.id));
  tell();
  soon(0);
}

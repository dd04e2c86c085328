// A form on its way: its words are let go of when they are stored, and sent again by themselves after a cut.
// The id and the version go with them, so that the server never takes them twice.

import { BUSY, onRetry, soon } from "./again.js";
import { discard, draftOf, keep, store } from "./drafts.js";
import { fieldsOf, isForm, same, versionIn } from "./fields.js";
import { reason, say, signIn } from "./notice.js";
import { renew } from "./renew.js";
import { mark, saving, tell } from "./tally.js";

const TIMEOUT = 30_000; // milliseconds; a file may take longer
const formOf = (event) => (isForm(event.detail.ctx?.sourceElement) ? event.detail.ctx.sourceElement : null);

function begin(form) {
  form.sent = fieldsOf(form);
  if (form.matches(".edit")) keep(form, { always: true });
  saving.add(form);
  if (!form.automatic) mark(form, "saving");
}

function wait(form) {
  const draft = draftOf(form);
  if (!draft) return mark(form, "failed", "Not sent. Press it again when the line is back.");
  draft.waiting = true;
  store(draft, form);
  mark(form, "failed");
  return soon();
}

function refused(form, words, waits = false) {
  const draft = draftOf(form);
  if (draft) {
    draft.waiting = waits;
    store(draft, form);
  }
  mark(form, "failed", words);
}

function ended(form) {
  saving.delete(form);
  form.automatic = false;
  tell();
}

// True when the answer must not take the place of the form.
function hold(form, { status, raw }) {
  if (raw.redirected) {
    signIn(raw.url);
    refused(form, "Not saved: you were signed out. Kept on this device; it is sent when you are signed in again.", true);
  } else if (BUSY.includes(status)) wait(form);
  else if (status === 409 && form.automatic) refused(form, "A colleague changed this meanwhile. Press Save to compare.");
  else if (status >= 400 && ![409, 422].includes(status)) {
    if (status === 403) renew();
    say(reason(status));
    refused(form, reason(status));
  } else return false;
  ended(form);
  return true;
}

function stored(form, event) {
  ended(form);
  const draft = draftOf(form);
  if (draft) draft.waiting = false;
  if (event.detail.ctx.response.status >= 400) return; // the answer is the form again, with what is wrong
  if (same(fieldsOf(form), form.sent) || !form.matches(".edit")) return void discard(form);
  event.preventDefault(); // typed on meanwhile: the form stays, and goes on from what is stored now
  const { version } = form.elements;
  const now = versionIn(event.detail.ctx.text, form);
  if (version && now === Number(version.value) + 1) version.value = now;
  keep(form);
  mark(form, "typed", "Saved. What you typed since is not saved yet.");
}

function retry() {
  for (const form of document.querySelectorAll("form.edit")) {
    if (!draftOf(form)?.waiting || saving.has(form)) continue;
    form.automatic = true;
    saving.add(form); // already now: the request begins a moment later
    form.requestSubmit();
  }
}

export function sending() {
  const on = (name, act) => document.addEventListener(`htmx:${name}`, (event) => formOf(event) && act(formOf(event), event));
  on("config:request", (form, event) => {
    if (!form.querySelector("[type=file]")) event.detail.ctx.request.timeout ??= TIMEOUT;
  });
  on("before:request", begin);
  on("before:response", (form, event) => hold(form, event.detail.ctx.response) && event.preventDefault());
  on("after:request", stored);
  on("error", (form, event) => {
    if (event.detail.ctx.text !== undefined) return; // it was stored, and the page could not show it
    ended(form);
    wait(form);
  });
  document.addEventListener("htmx:after:swap", tell);
  onRetry(retry);
}

// A form on its way: its words are let go of when they are stored, and sent again by themselves
// when the line was cut. The id and the version go with them, so that the server never takes them twice.

import { BUSY, onRetry, soon } from "./again.js";
import { discard, draftOf, keep, store } from "./drafts.js";
import { fieldsOf, isForm, same } from "./fields.js";
import { reason, renew, say, signIn } from "./notice.js";
import { mark, saving, tell } from "./tally.js";

const TIMEOUT = 30_000; // milliseconds; a file may take longer

const formOf = (event) => (isForm(event.detail.ctx?.sourceElement) ? event.detail.ctx.sourceElement : null);

function begin(event) {
  const form = formOf(event);
  if (!form) return;
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

function refused(form, words) {
  const draft = draftOf(form);
  if (draft) {
    draft.waiting = false;
    store(draft, form);
  }
  mark(form, "failed", words);
}

function ended(form) {
  saving.delete(form);
  const { automatic } = form;
  form.automatic = false;
  return automatic;
}

// True when the answer must not take the place of the form.
function hold(form, { status, raw }) {
  if (raw.redirected) {
    signIn(raw.url);
    refused(form, "Not saved: you were signed out. Kept on this device until you sign in again.");
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

function stored(event) {
  const form = formOf(event);
  if (!form) return;
  ended(form);
  const draft = draftOf(form);
  if (draft) draft.waiting = false;
  if (event.detail.ctx.response.status >= 400) return; // the answer is the form again, with what is wrong
  if (same(fieldsOf(form), form.sent) || !form.matches(".edit")) return void discard(form);
  event.preventDefault(); // typed on meanwhile: the form stays, and goes on from what is stored now
  const { version } = form.elements;
  const now = Number(/ data-rev="(\d+)"/.exec(event.detail.ctx.text)?.[1]);
  if (version && now === Number(version.value) + 1) version.value = now;
  keep(form);
  mark(form, "typed", "Saved. What you typed since is not saved yet.");
}

function retry() {
  for (const form of document.querySelectorAll("form.edit")) {
    if (!draftOf(form)?.waiting || saving.has(form)) continue;
    form.automatic = true;
    form.requestSubmit();
  }
}

export function sending() {
  document.addEventListener("htmx:config:request", ({ detail: { ctx } }) => {
    if (isForm(ctx.sourceElement) && !ctx.sourceElement.querySelector("[type=file]")) ctx.request.timeout ??= TIMEOUT;
  });
  document.addEventListener("htmx:before:request", begin);
  document.addEventListener("htmx:before:response", (event) => {
    const form = formOf(event);
    if (form && hold(form, event.detail.ctx.response)) event.preventDefault();
  });
  document.addEventListener("htmx:after:request", stored);
  document.addEventListener("htmx:error", (event) => {
    const form = formOf(event);
    if (!form || event.detail.ctx.text !== undefined) return;
    ended(form);
    wait(form);
  });
  document.addEventListener("htmx:after:swap", tell);
  onRetry(retry);
}

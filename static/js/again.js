// When what could not be sent is sent again: when the line is back, and every few seconds until then.

import { drafts, lines } from "./tally.js";

const EVERY = 4000; // milliseconds
export const BUSY = [502, 503, 504]; // a server that starts, or whose database is locked
const acts = [];
let timer;

export const onRetry = (act) => acts.push(act);

export function soon(after = EVERY) {
  clearTimeout(timer);
  timer = setTimeout(retry, after);
}

function retry() {
  if (navigator.onLine !== false) for (const act of acts) act();
  if ([...drafts.values(), ...lines.values()].some((one) => one.waiting)) soon();
}

addEventListener("online", () => soon(0));
document.addEventListener("sitroom:open", () => soon(0));

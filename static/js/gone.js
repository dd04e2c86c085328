// What somebody sees ends when they may not see it any more.

import { flush, forget } from "./drafts.js";
import { signedOut } from "./session.js";

const { body } = document;
const AGAIN = 2000; // milliseconds

// What the server says to this address now; asked until there is a line.
async function now() {
  for (;;) {
    const answer = await fetch(location.pathname).catch(() => null);
    if (answer) return answer;
    await new Promise((again) => setTimeout(again, AGAIN));
  }
}

// Nothing of the incident stays on the screen. Who may go on (another role, accepting anew, signing in) does.
export async function gone() {
  const page = document.getElementById("gone-page");
  document.title = "Sitroom";
  flush();
  body.replaceChildren(page.content.cloneNode(true));
  const answer = await now();
  if ([403, 404].includes(answer.status)) await forget();
  if (!answer.ok && !signedOut(answer)) return;
  const next = new URL(answer.url);
  if (next.pathname === "/sign-in/" && !signedOut(answer)) next.searchParams.set("ended", ""); // not by their own hand
  location.replace(next);
}

// Other rights, the same page where it shows the same cut of the document; else this one is over.
const cut = (held) => ["read", "privileged"].map((one) => held.split(" ").includes(one)).join();
export function may(held) {
  if (cut(held) !== cut(body.dataset.can)) gone();
  else body.dataset.can = held;
}

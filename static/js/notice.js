// What is said to the reader in the box at the foot, and what goes to the clipboard.

export function say(text) {
  const box = document.createElement("div");
  box.className = "said";
  box.textContent = text;
  document.getElementById("notice")?.replaceChildren(box);
}

export async function copy(button, plain) {
  await navigator.clipboard.writeText(plain ? button.dataset.plain : button.dataset.copy);
  say(plain ? "Plain value copied." : "Copied, defanged.");
}

export async function copyLink(link) {
  await navigator.clipboard.writeText(link.href);
  say("Link copied. It opens only for people in this incident.");
}

// A refusal is a page of its own for a browser without scripts; here it must not take the place of a form.
export function refuse(event) {
  const { status, raw } = event.detail.ctx.response;
  if (status < 400 && !raw?.redirected) return;
  if ([409, 422].includes(status)) return;
  event.preventDefault();
  say(status < 500 ? "Not done: you may not do this any more, or it is gone. Nothing was changed." : "Not saved: the server has a fault. What you typed is still in the form; try again.");
}

// The list of checks fetches itself; only what somebody sent is worth a word.
export function failed(event) {
  if (event.target.id !== "checks") say("Not sent: no connection. What you typed is still in the form; press Save again.");
}

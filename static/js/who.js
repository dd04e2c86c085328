// A page without a live stream asks now and then whether it is still its reader's; if not, nothing stays on it.

const AGAIN = 30_000; // milliseconds
const OVER = [401, 404];
const { body } = document;

async function look() {
  if (document.visibilityState !== "visible") return;
  const answer = await fetch(body.dataset.watch, { headers: { Accept: "application/json" } }).catch(() => null);
  answer?.body?.cancel();
  if (!answer || !(answer.redirected || OVER.includes(answer.status))) return;
  document.title = "Sitroom";
  body.replaceChildren();
  location.reload();
}

if (body.dataset.watch && !body.dataset.live) {
  setInterval(look, AGAIN);
  document.addEventListener("visibilitychange", look);
  addEventListener("pageshow", (event) => event.persisted && look());
  new BroadcastChannel("sitroom").addEventListener("message", look); // somebody signed out in another tab
}

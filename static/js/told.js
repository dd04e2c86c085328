// The bell: how many notices are unread, asked again when the stream says that there is something new.

async function refresh() {
  const bell = document.querySelector("[data-notices]");
  if (!bell) return;
  const answer = await fetch(bell.dataset.notices, { headers: { Accept: "application/json" } }).catch(() => null);
  if (!answer?.ok || answer.redirected) return;
  const { unread } = await answer.json();
  for (const number of bell.querySelectorAll("[data-unread]")) {
    number.textContent = unread;
    if (number.matches(".badge")) number.hidden = !unread;
  }
}

document.addEventListener("sitroom:told", refresh);
// A page that comes back from the browser's memory shows what it showed when it was left.
window.addEventListener("pageshow", (event) => event.persisted && refresh());

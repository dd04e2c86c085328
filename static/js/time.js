// Relative and local times are counted here, never on the server: a fragment is the same for everybody.

const minute = 60_000;

export function ago(ms) {
  if (ms < minute) return "now";
  if (ms < 60 * minute) return `${Math.floor(ms / minute)}m`;
  if (ms < 48 * 60 * minute) return `${Math.floor(ms / (60 * minute))}h`;
  return `${Math.floor(ms / (24 * 60 * minute))}d`;
}

function span(ms) {
  const minutes = Math.floor(ms / minute);
  const days = Math.floor(minutes / 1440);
  const hours = Math.floor(minutes / 60);
  return days > 3 ? `${days} d ${hours - days * 24} h` : `${hours} h ${String(minutes % 60).padStart(2, "0")} min`;
}

export function fresh() {
  const now = Date.now();
  for (const node of document.querySelectorAll("[data-at]")) node.textContent = ago(now - Date.parse(node.dataset.at));
  for (const node of document.querySelectorAll("[data-since]")) node.textContent = span(now - Date.parse(node.dataset.since));
  for (const time of document.querySelectorAll(".todo:is([data-state=open], [data-state=doing]) .due time, #now-steps time")) {
    const day = time.textContent.includes(":") ? 0 : 1440 * minute;
    time.classList.toggle("late", Date.parse(time.dateTime) + day < now);
  }
  for (const node of document.querySelectorAll("[data-clock]")) {
    const zone = node.dataset.clock;
    node.textContent = `${new Date(now).toLocaleTimeString("en-GB", { timeZone: zone })} ${zone}`;
  }
}

export function ticking() {
  fresh();
  setInterval(fresh, 1000);
  document.addEventListener("pointerover", (event) => {
    const time = event.target.closest?.("time[datetime]");
    if (!time || time.title || time.getAttribute("datetime").length < 12) return;
    time.title = `Your time: ${new Date(time.getAttribute("datetime")).toLocaleString()}`;
  });
}

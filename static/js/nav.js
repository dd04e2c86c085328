// Where the reader is, guidance on or off, and the keys.

export function spy() {
  const links = new Map([...document.querySelectorAll(".nav a[href^='#'], .tabbar a[href^='#']")].map((a) => [a, a.hash.slice(1)]));
  const seen = new IntersectionObserver(
    (entries) => {
      for (const entry of entries.filter((e) => e.isIntersecting)) {
        for (const [link, id] of links) {
          if (id === entry.target.id) link.setAttribute("aria-current", "true");
          else link.removeAttribute("aria-current");
        }
      }
    },
    { rootMargin: "-20% 0px -75% 0px" },
  );
  for (const section of document.querySelectorAll(".sec")) seen.observe(section);
  for (const link of links.keys()) link.addEventListener("click", () => document.getElementById("nav").hidePopover?.());
  document.querySelector("[data-guidance]")?.addEventListener("click", guidance);
  document.querySelector("[data-yours]")?.addEventListener("click", (event) => {
    const on = document.getElementById("now-steps").classList.toggle("yours");
    event.currentTarget.setAttribute("aria-pressed", on);
  });
  document.addEventListener("keydown", keys);
}

function guidance() {
  const off = document.body.dataset.guidance !== "off";
  document.body.dataset.guidance = off ? "off" : "on";
  document.querySelector("[data-guidance] span").textContent = off ? "Show guidance" : "Hide guidance";
}

function keys(event) {
  if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) event.target.closest?.("form.edit")?.requestSubmit();
  if (event.key === "Escape") event.target.closest?.("form.edit")?.querySelector("[data-cancel]")?.click();
  if (event.ctrlKey || event.metaKey || event.altKey || event.target.closest?.("input, textarea, select")) return;
  if (event.key === "/") {
    event.preventDefault();
    document.getElementById("cap")?.focus();
  } else if (event.key === "g") guidance();
  else if (event.key === "e") event.target.closest?.(".entry")?.querySelector("[data-edit]")?.click();
}

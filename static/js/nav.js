// Where the reader is, guidance on or off, and whose steps the Now rail shows.

import { say } from "./notice.js";

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
  const watch = () => {
    for (const section of document.querySelectorAll(".sec")) seen.observe(section);
  };
  watch();
  document.addEventListener("htmx:after:swap", watch); // a section that was loaded again is a new element
  for (const link of links.keys()) link.addEventListener("click", () => document.getElementById("nav").hidePopover?.());
  document.querySelector("[data-guidance]")?.addEventListener("click", guidance);
  document.querySelector("[data-yours]")?.addEventListener("click", (event) => {
    const on = document.getElementById("now-steps").classList.toggle("yours");
    event.currentTarget.setAttribute("aria-pressed", on);
  });
}

export function guidance() {
  const off = document.body.dataset.guidance !== "off";
  document.body.dataset.guidance = off ? "off" : "on";
  document.querySelector("[data-guidance] span").textContent = off ? "Show guidance" : "Hide guidance";
}

export function closeMenus(except) {
  for (const menu of document.querySelectorAll("details.menu[open]")) if (!menu.contains(except)) menu.open = false;
}

// The entries of a section that the page did not send at first.
export function load(link) {
  const section = link.closest(".sec");
  if (section.querySelector("form.edit")) return say("Save or close the form in this section first.");
  return htmx.ajax("GET", `${document.body.dataset.document}${link.dataset.load}/`, { target: section, swap: "outerHTML" });
}

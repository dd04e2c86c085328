// Pages beside the document: ask before what cannot be taken back, close menus, go to the field at fault.

import { closeMenus } from "./nav.js";
import { guard } from "./unsaved.js";

guard();
document.addEventListener("click", (event) => closeMenus(event.target.closest("details.menu")));
document.addEventListener("keydown", (event) => {
  const menu = event.key === "Escape" && document.querySelector("details.menu[open]");
  if (!menu) return;
  closeMenus();
  menu.querySelector("summary").focus();
});
const fault = document.querySelector("main [aria-invalid=true]");
fault?.closest("details")?.setAttribute("open", "");
fault?.focus();

// Pages beside the document: close menus, go to the field at fault.

import { closeMenus } from "./nav.js";

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

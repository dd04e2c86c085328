// Undo of one's own last change. The button stands for as long as the server takes it: a minute.

const counted = new WeakSet();

export function undoing() {
  stand();
  document.addEventListener("htmx:after:swap", stand);
}

export function stand() {
  for (const form of document.querySelectorAll("[data-undo]")) {
    if (counted.has(form)) continue;
    counted.add(form);
    setTimeout(() => leave(form), form.dataset.undo * 1000);
  }
}

function leave(form) {
  const box = form.closest(".said");
  form.remove();
  if (box && (box.dataset.brief === "" || !box.textContent.trim())) box.remove();
}

// It stands whatever else is said in the notice meanwhile; not beside two texts, where it would speak of another entry.
export function standing(notice) {
  const form = notice.querySelector("[data-undo]");
  if (!form || document.querySelector(".conflict")) return [];
  const box = document.createElement("div");
  box.className = "said";
  box.dataset.brief = "";
  box.append("Your last change is saved.", form);
  return [box];
}

// By the keyboard: also when the button is gone, so that the server says why not.
export function undo(event) {
  if (!document.body.dataset.can.split(" ").includes("write")) return;
  event.preventDefault();
  const form = document.querySelector("[data-undo]");
  if (form) form.requestSubmit();
  else htmx.ajax("POST", `${document.body.dataset.document}undo/`, { target: "#notice", swap: "innerHTML" });
}

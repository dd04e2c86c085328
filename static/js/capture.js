// The line at the foot of the page: the next one can be typed while the last one is on its way.

// The line was written down: the box is empty again, unless the next line is in it already.
export function captured() {
  const next = document.querySelector("[data-next-id]");
  const form = document.querySelector("#capture form");
  if (!next || !form) return;
  form.elements.id.value = next.dataset.nextId;
  if (form.elements.text.value === form.dataset.sent) form.elements.text.value = "";
  document.querySelector("[data-echo]").textContent = next.textContent;
  next.remove();
}

export function capturing() {
  document.addEventListener("submit", (event) => {
    if (event.target.closest("#capture")) event.target.dataset.sent = event.target.elements.text.value;
  }, true);
}

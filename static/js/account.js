// Accounts: passkeys, the browser's time zone, and a form that goes on by itself once one has confirmed.

const SAID = {
  NotAllowedError: "Nothing happened: it was cancelled, or this device has no passkey for this site.",
  InvalidStateError: "This device already holds a passkey for this account.",
  SecurityError: "Passkeys do not work at this address: they need HTTPS and a host name, or localhost.",
};

async function options(form) {
  if (form.dataset.passkey !== "sign-in") return JSON.parse(form.dataset.options);
  const answer = await fetch(form.action, { headers: { Accept: "application/json" } });
  if (!answer.ok) throw new Error(answer.status);
  return (await answer.json()).request_options;
}

async function ceremony(form) {
  const asked = await options(form);
  const { create, get } = window.webauthnJSON;
  const credential = await (form.dataset.passkey === "create" ? create(asked) : get(asked));
  form.elements.credential.value = JSON.stringify(credential);
  form.submit();
}

function passkeys() {
  if (!window.webauthnJSON?.supported()) return;
  for (const form of document.querySelectorAll("form[data-passkey]")) {
    const error = form.querySelector(":scope > .error");
    form.hidden = false;
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      error.hidden = true;
      ceremony(form).catch((fault) => {
        error.textContent = SAID[fault.name] ?? "The passkey could not be used. Try again, or use another way.";
        error.hidden = false;
      });
    });
  }
}

function zone() {
  const guess = Intl.DateTimeFormat().resolvedOptions().timeZone;
  const list = document.querySelector("datalist[data-guess=yes]");
  const field = document.querySelector("input[name=zone]");
  if (list && field && guess && field.value === "UTC") field.value = guess;
}

if (document.querySelector("form[action$='/sign-in/']")) sessionStorage.removeItem("sent"); // it led here, not to its page
passkeys();
zone();
document.querySelector("form[data-go-on]")?.requestSubmit();

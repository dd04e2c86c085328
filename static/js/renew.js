// Signing in again in another tab makes the tokens of this page stale; the same page has the new one.
export async function renew() {
  const answer = await fetch(location.pathname).catch(() => null);
  const html = answer?.ok ? await answer.text() : "";
  const page = new DOMParser().parseFromString(html.replace(/<style.*?<\/style>/gs, ""), "text/html"); // their nonce is not ours
  const name = "hx-headers:inherited";
  const headers = page.body.getAttribute(name);
  if (!headers || page.body.dataset.me !== document.body.dataset.me) return; // somebody else signed in: theirs
  document.body.setAttribute(name, headers);
  const token = JSON.parse(headers)["X-CSRFToken"];
  for (const field of document.querySelectorAll("[name=csrfmiddlewaretoken]")) field.value = token;
}

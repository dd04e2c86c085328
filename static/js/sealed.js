// The device's memory for words that the server has not stored yet. They are sealed with a key that stands on
// this person's pages only, so the next person at the device cannot read them. Browsers have no cryptography
// without HTTPS: there the words stay in this tab and end with it.

const { me, seal } = document.body.dataset;
export const sealing = Boolean(globalThis.crypto?.subtle && seal);
const store = sealing ? localStorage : sessionStorage;
const MINE = `unsent ${me} `;
const utf8 = new TextEncoder();

const key = sealing && importKey();
async function importKey() {
  const root = await crypto.subtle.importKey("raw", bytes(seal), "HKDF", false, ["deriveKey"]);
  const derivation = { name: "HKDF", hash: "SHA-256", salt: new Uint8Array(), info: utf8.encode("unsent text") };
  return crypto.subtle.deriveKey(derivation, root, { name: "AES-GCM", length: 256 }, false, ["encrypt", "decrypt"]);
}

function bytes(base64) {
  return Uint8Array.from(atob(base64), (letter) => letter.charCodeAt(0));
}

function base64(buffer) {
  const all = new Uint8Array(buffer);
  let letters = "";
  for (let at = 0; at < all.length; at += 4096) letters += String.fromCharCode(...all.subarray(at, at + 4096));
  return btoa(letters);
}

async function sealed(name, text) {
  if (!sealing) return text;
  const iv = crypto.getRandomValues(new Uint8Array(12));
  const method = { name: "AES-GCM", iv, additionalData: utf8.encode(name) };
  return `${base64(iv)} ${base64(await crypto.subtle.encrypt(method, await key, utf8.encode(text)))}`;
}

async function opened(name) {
  const kept = store.getItem(name);
  if (kept === null) return null;
  if (!sealing) return JSON.parse(kept);
  const [iv, text] = kept.split(" ");
  const method = { name: "AES-GCM", iv: bytes(iv), additionalData: utf8.encode(name) };
  return JSON.parse(new TextDecoder().decode(await crypto.subtle.decrypt(method, await key, bytes(text))));
}

let turn = Promise.resolve(); // one after the other, so that the last words win
let open = true; // until somebody signs out

function inTurn(work) {
  const done = turn.then(work);
  turn = done.catch(() => {});
  return done;
}

// Rejects when the device has no room.
export function put(id, value) {
  return inTurn(async () => {
    const text = await sealed(MINE + id, JSON.stringify(value));
    if (open) store.setItem(MINE + id, text);
  });
}

export const drop = (id) => inTurn(() => store.removeItem(MINE + id));

// Null when it is not there (any more). What cannot be opened never will be.
export async function get(id) {
  await turn;
  return opened(MINE + id).catch(() => store.removeItem(MINE + id));
}

export async function all() {
  await turn;
  const ids = Object.keys(store).filter((name) => name.startsWith(MINE)).map((name) => name.slice(MINE.length));
  const found = await Promise.all(ids.map(async (id) => ({ id, ...(await get(id)) })));
  return found.filter((kept) => kept.at).sort((a, b) => a.since - b.since);
}

// Calls back with the id of what another tab of this person keeps.
export function whenKept(act) {
  addEventListener("storage", ({ key: name, newValue }) => newValue && name?.startsWith(MINE) && act(name.slice(MINE.length)));
}

// After signing out nothing is kept, and nothing is put any more.
export function wipe() {
  open = false;
  for (const name of Object.keys(store)) if (name.startsWith(MINE)) store.removeItem(name);
}

// Another tab of this person has the words open. Resolves with a way to let go once it has not.
export function own(id) {
  if (!navigator.locks) return Promise.resolve(() => {});
  return new Promise((resolve) => {
    navigator.locks.request(MINE + id, () => new Promise((letGo) => resolve(letGo)));
  });
}

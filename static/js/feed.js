// One live stream of one incident. The browser's EventSource reconnects by itself and says what it saw last;
// what it gives up (an answer that was no stream) is opened again from the last revision.

const KINDS = ["you", "here", "can", "change", "reload", "told", "gone"];
const REFUSED = [401, 403, 404];

export class Feed {
  constructor(address, since, tell) {
    Object.assign(this, { address, since, tell, failures: 0, up: false, here: null, can: null });
    this.open();
  }

  open() {
    const source = new EventSource(`${this.address}&since=${this.since}`);
    this.source = source;
    source.addEventListener("open", () => {
      this.failures = 0;
      this.up = true;
      this.tell({ kind: "open" });
    });
    for (const kind of KINDS) source.addEventListener(kind, (event) => this.heard(kind, event));
    source.addEventListener("error", () => this.failed(source));
  }

  heard(kind, { data, lastEventId }) {
    const id = ["change", "reload"].includes(kind) ? Number(lastEventId) : 0;
    if (id) this.since = id;
    if (kind === "you") this.token = data;
    if (["here", "can"].includes(kind)) this[kind] = data;
    if (kind === "gone") this.close();
    this.tell({ kind, data: kind === "you" ? "" : data, id });
  }

  async failed(source) {
    if (source !== this.source) return;
    this.failures += 1;
    const ended = source.readyState === EventSource.CLOSED;
    if (this.failures > 1 || ended) this.down();
    if (!ended) return;
    // Refused for good, or a server that is starting?
    const request = { headers: { Accept: "text/plain" }, signal: AbortSignal.timeout(3000) };
    const answer = await fetch(this.address, request).catch(() => null);
    if (answer?.body) answer.body.cancel();
    if (source !== this.source) return;
    if (REFUSED.includes(answer?.status)) this.heard("gone", { data: "" });
    else setTimeout(() => source === this.source && this.restart(this.since), 1000 + Math.random() * 1000);
  }

  down() {
    this.up = false;
    this.tell({ kind: "down" });
  }

  restart(since) {
    this.close();
    this.since = since;
    this.open();
  }

  close() {
    this.source?.close();
    this.source = null;
    this.token = "";
  }

  // Somebody looks, and edits these entries; null: nobody looks any more. A stream that the server does not know
  // any more is opened again.
  async beat(editing) {
    const { token } = this;
    if (!token) return;
    const word = editing ? { token, editing: editing.join(" ") } : { token, away: "1" };
    const answer = await fetch(this.address, { method: "POST", body: new URLSearchParams(word) }).catch(() => null);
    if (answer?.status === 404 && token === this.token) this.restart(this.since);
  }
}

// The streams of one browser, shared by its tabs. Browsers open six connections to a host without HTTP/2, so
// there are at most three streams: of the incidents that somebody looks at, then of those shown last. The others
// pause, and resume from their own revision when they are shown.

import { Feed } from "./feed.js";

const MOST = 3;
const BEAT = 5000; // milliseconds
const SILENT = 15_000; // a tab that says it is looked at, and says nothing for so long, crashed

const looking = (tab) => Boolean(tab.visible) && Date.now() - tab.at < SILENT;

export class Hub {
  tabs = new Map(); // port → what the tab said last
  feeds = new Map(); // address → stream

  constructor() {
    setInterval(() => {
      this.arrange();
      for (const address of this.feeds.keys()) this.beat(address);
    }, BEAT);
  }

  connect(port) {
    port.onmessage = ({ data }) => this.heard(port, data);
  }

  heard(port, said) {
    const before = this.tabs.get(port);
    if (said.bye) this.tabs.delete(port);
    else {
      const shownAt = said.visible && !before?.visible ? Date.now() : (before?.shownAt ?? 0);
      this.tabs.set(port, { ...said, shownAt, at: Date.now() });
      if (!before && said.lock) navigator.locks.request(said.lock, () => this.heard(port, { bye: true })); // it died
    }
    this.arrange();
    const address = said.address ?? before?.address;
    if (said.join) this.catchUp(port, said);
    if (said.join || said.bye || said.visible !== before?.visible || String(said.editing) !== String(before?.editing)) this.beat(address);
  }

  catchUp(port, { address, revision }) {
    const feed = this.feeds.get(address);
    if (!feed) return port.postMessage({ kind: "paused" });
    if (feed.up) port.postMessage({ kind: "open" });
    for (const kind of ["can", "here"]) if (feed[kind] !== null) port.postMessage({ kind, data: feed[kind] });
    return revision < feed.since && feed.restart(revision);
  }

  of(address) {
    return [...this.tabs].filter(([, tab]) => tab.address === address);
  }

  // Which incidents have a stream.
  arrange() {
    const order = [...this.tabs.values()].sort((a, b) => looking(b) - looking(a) || b.shownAt - a.shownAt);
    const kept = [...new Set(order.map((tab) => tab.address))].slice(0, MOST);
    for (const [address, feed] of this.feeds) {
      if (kept.includes(address)) continue;
      feed.close();
      this.feeds.delete(address);
      this.tell(address, { kind: "paused" });
    }
    for (const address of kept) {
      if (this.feeds.has(address)) continue;
      const since = Math.min(...this.of(address).map(([, tab]) => tab.revision));
      this.feeds.set(address, new Feed(address, since, (message) => this.tell(address, message)));
    }
  }

  tell(address, message) {
    for (const [port, tab] of this.of(address)) {
      if (message.id) tab.revision = Math.max(tab.revision, message.id);
      port.postMessage(message);
      if (message.kind === "gone") this.tabs.delete(port);
    }
    if (message.kind === "gone") this.feeds.delete(address);
    if (message.kind === "you") this.beat(address);
  }

  beat(address) {
    const feed = this.feeds.get(address);
    const here = this.of(address).map(([, tab]) => tab).filter(looking);
    if (!feed || !(here.length || feed.seen)) return;
    feed.seen = here.length > 0;
    feed.beat(feed.seen ? [...new Set(here.flatMap((tab) => tab.editing))] : null);
  }
}

// This tab's end of the live stream: it says where it stands and whether somebody looks, and hears what happens.
// A browser without shared workers has a stream for each tab.

import { Hub } from "./hub.js";
import { newId } from "./ids.js";

const SAY_AGAIN = 5000; // milliseconds
const { body } = document;

function alone() {
  const { port1, port2 } = new MessageChannel();
  new Hub().connect(port1);
  return port2;
}

function shared(failed) {
  const worker = new SharedWorker(new URL("stream-worker.js", import.meta.url), { type: "module", name: `sitroom ${body.dataset.me}` });
  worker.addEventListener("error", failed);
  return worker.port;
}

// `hear` gets each message, `editing` tells which entries are open here. Returns a way to say it at once.
export function join(hear, editing) {
  const visible = () => document.visibilityState === "visible";
  let port;
  let lock;
  let over = false;
  const say = (word) => over || port.postMessage(word);
  const stand = (again) => say({ address: body.dataset.live, revision: Number(body.dataset.revision ?? 0), visible: visible(), editing: editing(), lock, join: again });

  function use(chosen) {
    port = chosen;
    port.onmessage = ({ data }) => {
      over = data.kind === "gone";
      hear(data);
    };
  }
  use(globalThis.SharedWorker ? shared(() => (use(alone()), stand(true))) : alone());

  const name = `tab ${newId()}`; // held as long as this tab lives, so that a crash is seen
  if (!navigator.locks) stand(true);
  else navigator.locks.request(name, () => {
    lock = name;
    stand(true);
    return new Promise(() => {});
  });
  document.addEventListener("visibilitychange", () => stand(visible())); // a tab that slept catches up
  addEventListener("pagehide", () => say({ bye: true }));
  addEventListener("pageshow", (event) => event.persisted && stand(true));
  setInterval(() => visible() && stand(false), SAY_AGAIN);
  return () => stand(false);
}

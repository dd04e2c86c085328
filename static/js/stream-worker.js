// One for all tabs of a person in this browser.

import { Hub } from "./hub.js";

const hub = new Hub();
globalThis.onconnect = ({ ports: [port] }) => hub.connect(port);

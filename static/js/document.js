// Starts the modules of the document page; on the summary page only the live stream and the clock.

import { listen, say } from "./entries.js";
import { connect } from "./live.js";
import { spy } from "./nav.js";
import { reporting } from "./report.js";
import { ticking } from "./time.js";

ticking();
connect();
if (document.getElementById("notice")) {
  listen();
  spy();
  reporting(say);
}

// Starts the modules of the document page; on the summary page only the live stream and the clock.

import { bringBack } from "./back.js";
import { capturing } from "./capture.js";
import { drawer } from "./drawer.js";
import { listen } from "./entries.js";
import { keys } from "./keys.js";
import { connect } from "./live.js";
import { mentioning } from "./mentions.js";
import { spy } from "./nav.js";
import { say } from "./notice.js";
import { reporting } from "./report.js";
import { seeking } from "./seek.js";
import { since } from "./since.js";
import { talking } from "./talk.js";
import { ticking } from "./time.js";
import { sending } from "./sending.js";
import { undoing } from "./undo.js";

ticking();
connect();
if (document.getElementById("notice")) {
  capturing();
  sending();
  listen();
  keys();
  spy();
  seeking();
  talking();
  mentioning();
  reporting(say);
  bringBack();
  drawer();
  since();
  undoing();
}

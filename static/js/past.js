// The document as it was known: its report takes a few seconds, and can be stopped.

import "./page.js";
import { say } from "./notice.js";
import { reporting } from "./report.js";

reporting(say);

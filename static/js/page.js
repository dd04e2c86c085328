// Pages beside the document: ask before what cannot be taken back.

import { guard } from "./unsaved.js";

guard();

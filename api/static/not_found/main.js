// The page that is shown at an address at which there is none.

import { startPage } from "../shared/layout.js";

await startPage({ loginNeeded: false });
document.body.dataset.ready = "";

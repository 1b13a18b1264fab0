// What the server can do; while it is away, what it could do when it was last asked.

import { read, Unreachable } from "./server.js";

export async function readCapabilities() {
  try {
    const found = await read("/v1/capabilities");
    localStorage.setItem("capabilities", JSON.stringify(found));
    return found;
  } catch (error) {
    const found = localStorage.getItem("capabilities");
    if (!found || !(error instanceof Unreachable || error.retryable)) throw error;
    return JSON.parse(found);
  }
}

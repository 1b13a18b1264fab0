// Sends a form with files, and says how far it is, which fetch does not.

import { AWAY, connection, Problem, Unreachable } from "./server.js";

const STILL_S = 60; // seconds without progress after which nobody seems to be there
const LOCKED = 401;

/** The JSON of the answer, null when `signal` stopped it. Problem, Unreachable. `progress` is told the part that is sent, 0 to 1. */
export function upload(path, form, progress, signal) {
  const request = new XMLHttpRequest();
  let still = null;
  const moved = () => {
    clearTimeout(still);
    still = setTimeout(() => request.abort(), STILL_S * 1000);
  };
  request.upload.addEventListener("progress", ({ loaded, total }) => (moved(), progress(total ? loaded / total : 0)));
  request.upload.addEventListener("load", () => clearTimeout(still)); // from here on it is the server's work that takes time
  signal.addEventListener("abort", () => request.abort());
  return new Promise((resolve, reject) => {
    request.addEventListener("loadend", () => {
      clearTimeout(still);
      if (signal.aborted) resolve(null);
      else if (request.status >= 200 && request.status < 300) resolve(JSON.parse(request.responseText));
      else reject(faultOf(request));
    });
    request.open("POST", path);
    moved();
    request.send(form);
  });
}

/** What an answer means that is none; the status is 0 when there was no answer at all. */
function faultOf(request) {
  if (!request.status || AWAY.has(request.status)) {
    connection.lose();
    return new Unreachable(request.statusText);
  }
  if (request.status === LOCKED) {
    connection.dispatchEvent(new Event("locked"));
    return new Unreachable(request.statusText); // "found" is told when somebody has logged in
  }
  return new Problem({ detail: request.statusText, code: `http_${request.status}`, ...json(request) }, request.status, Number(request.getResponseHeader("Retry-After")) || 1);
}

function json({ responseText }) {
  try {
    return JSON.parse(responseText);
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    return {}; // a proxy's page
  }
}

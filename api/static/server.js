// Speaks to the API, and knows whether the server can be reached.

/** What the API refused: its `code`, `detail` and `retryable`, the HTTP `status`, and the seconds to wait. */
export class Problem extends Error {
  constructor(problem, status, retryAfter) {
    super(problem.detail);
    Object.assign(this, { code: problem.code, detail: problem.detail, retryable: Boolean(problem.retryable), status, retryAfter });
  }
}

/** Nobody answered: the network or the server is away. */
export class Unreachable extends Error {}

const LONGEST_S = 10; // seconds between two looks for a server that is away
const NOT_MODIFIED = 304;
export const AWAY = new Set([502, 504]); // what a proxy says of a server that is away

/** "lost" when the server cannot be reached, "found" when it can again, "locked" when it asks who we are. */
export const connection = new (class extends EventTarget {
  lost = false;
  #wait = 0.5;
  #timer = null;

  lose() {
    if (!this.lost) {
      this.lost = true;
      this.#wait = 0.5;
      this.dispatchEvent(new Event("lost"));
    }
    this.#timer ??= setTimeout(() => this.look(), this.#wait * 1000);
  }

  find() {
    if (!this.lost) return;
    this.lost = false;
    this.dispatchEvent(new Event("found"));
  }

  async look() {
    clearTimeout(this.#timer);
    this.#timer = null;
    this.#wait = Math.min(this.#wait * 2, LONGEST_S);
    await call("/healthz").catch((error) => {
      if (!(error instanceof Unreachable)) throw error;
    });
  }
})();

addEventListener("online", () => connection.lost && connection.look());
addEventListener("offline", () => connection.lose());

async function problemOf(answer) {
  const problem = await answer.json().catch(() => ({}));
  const known = { code: problem.code ?? `http_${answer.status}`, detail: problem.detail ?? answer.statusText, retryable: problem.retryable };
  return new Problem(known, answer.status, Number(answer.headers.get("Retry-After")) || 1);
}

/** The Response of the API, 304 to who asked for changes only; Problem when it refuses, Unreachable when nobody answers. */
export async function call(path, { method = "GET", json, form, headers = {}, seconds = 60 } = {}) {
  const body = json === undefined ? form : JSON.stringify(json);
  const all = json === undefined ? headers : { ...headers, "Content-Type": "application/json" };
  let answer;
  try {
    answer = await fetch(path, { method, body, headers: all, cache: "no-store", signal: AbortSignal.timeout(seconds * 1000) });
  } catch (error) {
    connection.lose();
    throw new Unreachable(String(error));
  }
  if (AWAY.has(answer.status)) {
    connection.lose();
    throw new Unreachable(answer.statusText);
  }
  connection.find();
  if (answer.ok || answer.status === NOT_MODIFIED) return answer;
  const problem = await problemOf(answer);
  if (answer.status === 401 && path !== "/v1/login") connection.dispatchEvent(new Event("locked"));
  throw problem;
}

/** The JSON of the API's answer. */
export async function read(path, options) {
  return (await call(path, options)).json();
}

/** While the server is away nothing is known, and it is asked again when it is back. Anything else is a fault of ours. */
export function excuse(error) {
  if (!(error instanceof Unreachable || error.status === 401 || error.retryable)) throw error;
}

export const ENDED = new Set(["succeeded", "failed", "canceled", "expired"]);
export const ended = (job) => ENDED.has(job.state);

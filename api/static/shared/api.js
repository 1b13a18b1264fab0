// Calls the API, and knows whether the server can be reached.

/** The API refused a request: its `code`, `detail` and `retryable`, the HTTP `status`, and the seconds to wait. */
export class ApiError extends Error {
  constructor(problem, status, retryAfter) {
    super(problem.detail);
    Object.assign(this, {
      code: problem.code,
      detail: problem.detail,
      retryable: Boolean(problem.retryable),
      status,
      retryAfter,
    });
  }
}

/** No answer came: the network or the server is down. */
export class Unreachable extends Error {}

const MIN_RETRY_S = 0.5;
const MAX_RETRY_S = 10; // seconds between two attempts to reach the server
const NOT_MODIFIED = 304;
export const GATEWAY_ERRORS = new Set([502, 504]); // a proxy's answer while the server is down

/** Events: "lost" when the server cannot be reached, "found" when it can again, "locked" when it asks for a login. */
export const connection = new (class extends EventTarget {
  lost = false;
  #retryS = MIN_RETRY_S;
  #timer = null;

  markLost() {
    if (!this.lost) {
      this.lost = true;
      this.#retryS = MIN_RETRY_S;
      this.dispatchEvent(new Event("lost"));
    }
    this.#timer ??= setTimeout(() => this.check(), this.#retryS * 1000);
  }

  markFound() {
    if (!this.lost) return;
    this.lost = false;
    this.dispatchEvent(new Event("found"));
  }

  async check() {
    clearTimeout(this.#timer);
    this.#timer = null;
    this.#retryS = Math.min(this.#retryS * 2, MAX_RETRY_S);
    await fetchApi("/healthz").catch((error) => {
      if (!(error instanceof Unreachable)) throw error;
    });
  }
})();

addEventListener("online", () => connection.lost && connection.check());
addEventListener("offline", () => connection.markLost());

async function parseError(answer) {
  const problem = await answer.json().catch(() => ({}));
  const details = {
    code: problem.code ?? `http_${answer.status}`,
    detail: problem.detail ?? answer.statusText,
    retryable: problem.retryable,
  };
  return new ApiError(details, answer.status, Number(answer.headers.get("Retry-After")) || 1);
}

/** The Response of the API, which may be a 304. Throws ApiError when it refuses, Unreachable when no answer comes. */
export async function fetchApi(path, { method = "GET", json, form, headers = {}, seconds = 60 } = {}) {
  const body = json === undefined ? form : JSON.stringify(json);
  const all = json === undefined ? headers : { ...headers, "Content-Type": "application/json" };
  let answer;
  try {
    answer = await fetch(path, {
      method,
      body,
      headers: all,
      cache: "no-store",
      signal: AbortSignal.timeout(seconds * 1000),
    });
  } catch (error) {
    connection.markLost();
    throw new Unreachable(String(error));
  }
  if (GATEWAY_ERRORS.has(answer.status)) {
    connection.markLost();
    throw new Unreachable(answer.statusText);
  }
  connection.markFound();
  if (answer.ok || answer.status === NOT_MODIFIED) return answer;
  const problem = await parseError(answer);
  if (answer.status === 401 && path !== "/v1/login") connection.dispatchEvent(new Event("locked"));
  throw problem;
}

/** The JSON of the API's answer. */
export async function fetchJson(path, options) {
  return (await fetchApi(path, options)).json();
}

/** Ignore an error that passes by itself, since the request is repeated later; anything else is a bug. */
export function rethrowUnlessTemporary(error) {
  if (!(error instanceof Unreachable || error.status === 401 || error.retryable)) throw error;
}

export const END_STATES = new Set(["succeeded", "failed", "canceled", "expired"]);
export const hasEnded = (job) => END_STATES.has(job.state);

/** What the server can do; while it cannot be reached, what it could do when it was last asked. */
export async function readCapabilities() {
  try {
    const capabilities = await fetchJson("/v1/capabilities");
    localStorage.setItem("capabilities", JSON.stringify(capabilities));
    return capabilities;
  } catch (error) {
    const stored = localStorage.getItem("capabilities");
    if (!stored || !(error instanceof Unreachable || error.retryable)) throw error;
    return JSON.parse(stored);
  }
}

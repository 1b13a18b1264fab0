// Requests to the API, and whether the server can be reached.

import { address, stored } from "./address.js";

/** The API refused a request: its `code`, `detail` and `retryable`, the HTTP `status`, and the seconds to wait. */
export class ApiError extends Error {
  constructor(problem, status, retryAfter) {
    super(problem.detail);
    Object.assign(this, {
      code: problem.source === "proxy" ? `http_${status}` : problem.code, // as the documented nginx says it
      detail: problem.detail,
      retryable: Boolean(problem.retryable),
      status,
      retryAfter,
    });
  }
}

/** The server did not respond: it or the network is down. */
export class Unreachable extends Error {}

const MIN_RETRY_S = 0.5;
const MAX_RETRY_S = 10; // seconds between two attempts to reach the server
const NOT_MODIFIED = 304;
const RETRYABLE_STATUSES = new Set([408, 429, 503]);
export const GATEWAY_ERRORS = new Set([502, 504]); // a proxy's status while the server is down

/** Events: "disconnected", "connected" when the server can be reached again, "unauthorized" when a login is needed. */
export const connection = new (class extends EventTarget {
  isDisconnected = false;
  #retryS = MIN_RETRY_S;
  #timer = null;

  markDisconnected() {
    if (!this.isDisconnected) {
      this.isDisconnected = true;
      this.#retryS = MIN_RETRY_S;
      this.dispatchEvent(new Event("disconnected"));
    }
    this.#timer ??= setTimeout(() => this.check(), this.#retryS * 1000);
  }

  markConnected() {
    if (!this.isDisconnected) return;
    this.isDisconnected = false;
    this.dispatchEvent(new Event("connected"));
  }

  async check() {
    clearTimeout(this.#timer);
    this.#timer = null;
    this.#retryS = Math.min(this.#retryS * 2, MAX_RETRY_S);
    await fetchApi("healthz").catch((error) => {
      if (!(error instanceof Unreachable)) throw error;
    });
  }
})();

addEventListener("online", () => connection.isDisconnected && connection.check());
addEventListener("offline", () => connection.markDisconnected());

async function parseError(response) {
  const problem = await response.json().catch(() => ({}));
  const details = {
    code: problem.code ?? `http_${response.status}`,
    detail: problem.detail ?? response.statusText,
    source: problem.source,
    retryable: problem.retryable ?? RETRYABLE_STATUSES.has(response.status), // a proxy's page says nothing of it
  };
  return new ApiError(details, response.status, Number(response.headers.get("Retry-After")) || 1);
}

/**
 * The Response of the API to a path such as "v1/jobs", or to a link of it; it may be a 304.
 * Throws ApiError for a refusal, Unreachable without a response.
 */
export async function fetchApi(path, { method = "GET", json, form, headers = {}, timeoutS = 60 } = {}) {
  const body = json === undefined ? form : JSON.stringify(json);
  const allHeaders = json === undefined ? headers : { ...headers, "Content-Type": "application/json" };
  let response;
  try {
    response = await fetch(address(path), {
      method,
      body,
      headers: allHeaders,
      cache: "no-store",
      signal: AbortSignal.timeout(timeoutS * 1000),
    });
  } catch (error) {
    connection.markDisconnected();
    throw new Unreachable(String(error));
  }
  if (GATEWAY_ERRORS.has(response.status)) {
    connection.markDisconnected();
    throw new Unreachable(response.statusText);
  }
  connection.markConnected();
  if (response.ok || response.status === NOT_MODIFIED) return response;
  const problem = await parseError(response);
  if (response.status === 401 && path !== "v1/login") connection.dispatchEvent(new Event("unauthorized"));
  throw problem;
}

/** The JSON of the API's response. */
export async function fetchJson(path, options) {
  return (await fetchApi(path, options)).json();
}

/** Ignore an error that passes by itself, since the request is repeated later; anything else is a bug. */
export function rethrowUnlessTemporary(error) {
  if (!(error instanceof Unreachable || error.status === 401 || error.retryable)) throw error;
}

export const END_STATES = new Set(["succeeded", "failed", "canceled", "expired"]);
export const hasEnded = (job) => END_STATES.has(job.state);

/** GET /v1/capabilities; while the server cannot be reached, its last response. */
export async function readCapabilities() {
  try {
    const capabilities = await fetchJson("v1/capabilities");
    stored.set("capabilities", JSON.stringify(capabilities));
    return capabilities;
  } catch (error) {
    const last = stored.get("capabilities");
    if (!last || !(error instanceof Unreachable || error.retryable)) throw error;
    return JSON.parse(last);
  }
}

// Reads the state of the server every few seconds while the page is visible.

import { ApiError, connection, fetchApi, fetchJson, Unreachable } from "../shared/api.js";
import { parseFigures } from "./prometheus.js";

const POLL_S = 2;
const TIMEOUT_S = 10;
const MAX_JOBS = 12; // shown
const FINAL_STATUSES = new Set([401, 403]); // polling is useless until somebody else logs in

/** Event "polled": `error` is why the request failed, or null; the figures are those of the last success, at `at`. */
export class StatusPoll extends EventTarget {
  figures = null;
  models = null; // names, in the order of the stages
  jobs = [];
  at = null;
  error = null;
  #timer = null;
  #polling = false;

  start() {
    connection.addEventListener("connected", () => {
      this.models = null; // the server may have been restarted with others
      this.#poll();
    });
    connection.addEventListener("disconnected", () => this.#finish(new Unreachable("")));
    document.addEventListener("visibilitychange", () => this.#poll());
    return this.#poll();
  }

  async #poll() {
    clearTimeout(this.#timer);
    if (document.hidden || this.#polling) return;
    this.#polling = true;
    try {
      await this.#read();
      this.#finish(null);
    } catch (error) {
      if (!(error instanceof ApiError || error instanceof Unreachable)) throw error;
      this.#finish(error);
    } finally {
      this.#polling = false;
    }
    const isFinal = this.error instanceof Unreachable || FINAL_STATUSES.has(this.error?.status);
    if (!isFinal) this.#timer = setTimeout(() => this.#poll(), POLL_S * 1000);
  }

  async #read() {
    const options = { timeoutS: TIMEOUT_S };
    const text = await (await fetchApi("metrics", options)).text();
    const { jobs } = await fetchJson(`v1/jobs?limit=${MAX_JOBS}`, options);
    this.models ??= (await fetchJson("v1/models", options)).data.map(({ id }) => id);
    Object.assign(this, { figures: parseFigures(text), jobs, at: Date.now() });
  }

  #finish(error) {
    this.error = error;
    this.dispatchEvent(new Event("polled"));
  }
}

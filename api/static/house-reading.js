// Reads the house again and again while somebody looks at the page.

import { figures } from "./house-metrics.js";
import { call, connection, Problem, read, Unreachable } from "./server.js";

const EVERY_S = 2; // seconds between two looks
const PATIENCE_S = 10; // seconds after which a look that is not answered counts as lost
const NEWEST = 12; // jobs shown
const FINAL = new Set([401, 403]); // looking again helps only when somebody else has logged in

/** "read" after each look: `trouble` is why it failed, or null; the figures are then those read before, at `at`. */
export class Reading extends EventTarget {
  house = null;
  models = null; // names by stage
  newest = [];
  at = null;
  trouble = null;
  #timer = null;
  #looking = false;

  begin() {
    connection.addEventListener("found", () => ((this.models = null), this.look()));
    connection.addEventListener("lost", () => this.#end(new Unreachable("")));
    document.addEventListener("visibilitychange", () => this.look());
    return this.look();
  }

  async look() {
    clearTimeout(this.#timer);
    if (document.hidden || this.#looking) return;
    this.#looking = true;
    try {
      await this.#read();
      this.#end(null);
    } catch (error) {
      if (!(error instanceof Problem || error instanceof Unreachable)) throw error;
      this.#end(error);
    } finally {
      this.#looking = false;
    }
    if (!(this.trouble instanceof Unreachable || FINAL.has(this.trouble?.status))) this.#timer = setTimeout(() => this.look(), EVERY_S * 1000);
  }

  async #read() {
    const options = { seconds: PATIENCE_S };
    const text = await (await call("/metrics", options)).text();
    const { jobs } = await read(`/v1/jobs?limit=${NEWEST}`, options);
    this.models ??= (await read("/v1/models", options)).data.map(({ id }) => id);
    Object.assign(this, { house: figures(text), newest: jobs, at: Date.now() });
  }

  #end(trouble) {
    this.trouble = trouble;
    this.dispatchEvent(new Event("read"));
  }
}

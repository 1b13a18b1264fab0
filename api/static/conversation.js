// A session's turns as the server has them, followed while they are being answered.

import { call, connection, ended, excuse, Problem, read } from "./server.js";

const LOOK_S = 3; // seconds between two looks at turns that wait behind the one that is followed
const tabs = "BroadcastChannel" in window ? new BroadcastChannel("waijiao-conversation") : null;

/** Events: "turn" {job}, a new one or a change; "part" {job, part}; "restart" {job}; "gone" {id}; "cleared". */
export class Conversation extends EventTarget {
  jobs = new Map(); // id -> job, in the order accepted
  #source = null;
  #following = null;
  #timer = null;

  constructor(session) {
    super();
    this.path = `/v1/sessions/${encodeURIComponent(session)}`;
    connection.addEventListener("found", () => this.load());
    document.addEventListener("visibilitychange", () => this.#follow());
    tabs?.addEventListener("message", ({ data: { path, id } }) => path === this.path && (id ? this.#gone(id) : this.#clear()));
  }

  /** Read what there is. A turn that the server does not list any more was erased, or started over. */
  async load() {
    const before = [...this.jobs.values()].filter((job) => job.outcome === "answered");
    try {
      const turns = await this.#turns();
      turns.forEach((job) => this.take(job));
      const listed = new Set(turns.map(({ id }) => id));
      for (const { id } of before) if (!listed.has(id)) this.#gone(id);
    } catch (error) {
      excuse(error);
      if (error.retryable) setTimeout(() => this.load(), error.retryAfter * 1000);
    }
  }

  async #turns() {
    try {
      return (await read(this.path)).turns;
    } catch (error) {
      if (error instanceof Problem && error.status === 404) return []; // nothing was said yet, or all was erased
      throw error;
    }
  }

  /** The newest known state of a turn. */
  take(job) {
    const before = this.jobs.get(job.id);
    if (before && ended(before) && !ended(job)) return; // what has ended never changes again
    this.jobs.set(job.id, job);
    if (job.outcome === "session_reset" && before && !ended(before)) this.#forgetBefore(job);
    this.#tell("turn", { job });
    this.#follow();
  }

  async cancel(id) {
    this.take(await read(`/v1/jobs/${id}/cancel`, { method: "POST" }));
  }

  async erase(id) {
    await call(`/v1/jobs/${id}`, { method: "DELETE" });
    this.#gone(id);
    tabs?.postMessage({ path: this.path, id });
  }

  /** Start over: what was said is history no more. */
  reset() {
    return this.#end(`${this.path}/reset`, "POST");
  }

  /** Erase all that was ever said in it. */
  eraseAll() {
    return this.#end(this.path, "DELETE");
  }

  async #end(path, method) {
    try {
      await call(path, { method });
    } catch (error) {
      if (!(error instanceof Problem && error.status === 404)) throw error; // nothing was said yet
    }
    this.#clear();
    tabs?.postMessage({ path: this.path });
  }

  #clear() {
    this.jobs.clear();
    this.#leave();
    this.#tell("cleared", {});
  }

  #forgetBefore(job) {
    for (const id of [...this.jobs.keys()]) if (this.jobs.get(id).seq < job.seq) this.#gone(id);
  }

  #gone(id) {
    this.jobs.delete(id);
    if (this.#following === id) this.#leave();
    this.#tell("gone", { id });
  }

  /** Follow the first turn that is not answered: a browser has few connections, and a hidden page needs none. */
  #follow() {
    const waiting = [...this.jobs.values()].filter((job) => !ended(job)).sort((a, b) => a.seq - b.seq);
    clearTimeout(this.#timer);
    if (waiting.length > (document.hidden ? 0 : 1)) this.#timer = setTimeout(() => this.#look(waiting), LOOK_S * 1000);
    const first = document.hidden ? undefined : waiting[0]?.id;
    if (first === this.#following) return;
    this.#leave();
    if (first) this.#listen(first);
  }

  #leave() {
    this.#source?.close();
    this.#source = this.#following = null;
  }

  #listen(id) {
    const source = new EventSource(`/v1/jobs/${id}/events`);
    const on = (name, told) => source.addEventListener(name, ({ data }) => told(JSON.parse(data)));
    on("job", (job) => this.take(job));
    on("part", (part) => this.#tell("part", { id, part }));
    on("restart", () => this.#tell("restart", { id }));
    source.addEventListener("error", ({ data }) => {
      if (data) this.#gone(id); // the server's own word: it was erased
      else if (source.readyState === EventSource.CLOSED) this.#lookAgain(id);
      else connection.look();
    });
    this.#source = source;
    this.#following = id;
  }

  /** The stream ended though the turn has not: the server was too busy, or somebody erased it. */
  #lookAgain(id) {
    this.#leave();
    const job = this.jobs.get(id);
    if (job && !ended(job)) this.#timer = setTimeout(() => this.#look([job]), LOOK_S * 1000);
  }

  async #look(waiting) {
    for (const { id } of waiting) {
      try {
        this.take(await read(`/v1/jobs/${id}`));
      } catch (error) {
        if (error instanceof Problem && [404, 410].includes(error.status)) this.#gone(id);
        else excuse(error);
      }
    }
    this.#follow();
  }

  #tell(name, detail) {
    this.dispatchEvent(new CustomEvent(name, { detail }));
  }
}

// The turns of a session as the server has them, kept up to date while they are being answered.

import { address, ownName } from "../shared/address.js";
import { ApiError, connection, fetchApi, fetchJson, hasEnded, rethrowUnlessTemporary } from "../shared/api.js";
import { answerSaid } from "../shared/jobs.js";

const POLL_S = 3; // between two requests for the turns that wait behind the one whose events are followed
const tabs = "BroadcastChannel" in window ? new BroadcastChannel(ownName("waijiao-conversation")) : null;

/**
 * Events: "turn" {job}, a new one or a change; "part" {id, part}; "restart" {id}; "replaced" {id, job}: the new job
 * takes the place of the turn; "removed" {id}; "cleared".
 */
export class Conversation extends EventTarget {
  jobs = new Map(); // id -> job, in the order accepted
  #source = null;
  #followedId = null;
  #timer = null;

  constructor(session) {
    super();
    this.session = session;
    this.path = `v1/sessions/${encodeURIComponent(session)}`;
    connection.addEventListener("connected", () => this.load());
    document.addEventListener("visibilitychange", () => this.#follow());
    tabs?.addEventListener("message", ({ data: { path, id } }) => {
      if (path === this.path) id ? this.#remove(id) : this.#clear();
    });
  }

  /** Read all turns. One that the server no longer lists was deleted, or is from before the conversation was reset. */
  async load() {
    const before = [...this.jobs.values()].filter((job) => job.outcome === "answered");
    try {
      const turns = await this.#fetchTurns();
      turns.forEach((job) => this.update(job));
      const listed = new Set(turns.map(({ id }) => id));
      for (const { id } of before) if (!listed.has(id)) this.#remove(id);
    } catch (error) {
      rethrowUnlessTemporary(error);
      if (error.retryable) setTimeout(() => this.load(), error.retryAfter * 1000);
    }
  }

  /** A session without jobs does not exist: asking for it would be an error, which the browser's console shows. */
  async #fetchTurns() {
    const session = encodeURIComponent(this.session);
    const { jobs } = await fetchJson(`v1/jobs?session=${session}&limit=1`);
    if (!jobs.length) return [];
    try {
      return withoutReplaced((await fetchJson(this.path)).turns);
    } catch (error) {
      if (error instanceof ApiError && error.status === 404) return []; // it was deleted meanwhile
      throw error;
    }
  }

  /** Store a turn's new state. An outdated response that arrives late changes nothing. */
  update(job) {
    const before = this.jobs.get(job.id);
    if (before && hasEnded(before) && !hasEnded(job)) return;
    this.jobs.set(job.id, job);
    if (job.outcome === "session_reset" && before && !hasEnded(before)) this.#removeBefore(job);
    this.#emit("turn", { job });
    this.#follow();
  }

  async cancel(id) {
    this.update(await fetchJson(`v1/jobs/${id}/cancel`, { method: "POST" }));
  }

  /** Have a turn answered again for the words that the learner really said. */
  async say(id, words) {
    const job = await answerSaid(id, words);
    this.jobs.delete(id);
    this.#emit("replaced", { id, job });
  }

  async erase(id) {
    await fetchApi(`v1/jobs/${id}`, { method: "DELETE" });
    this.#remove(id);
    tabs?.postMessage({ path: this.path, id });
  }

  /** Start over: the teacher no longer considers the earlier turns. */
  reset() {
    return this.#clearOnServer(`${this.path}/reset`, "POST");
  }

  /** Delete all turns, here and on the server. */
  eraseAll() {
    return this.#clearOnServer(this.path, "DELETE");
  }

  async #clearOnServer(path, method) {
    try {
      await fetchApi(path, { method });
    } catch (error) {
      if (!(error instanceof ApiError && error.status === 404)) throw error; // the session is empty
    }
    this.#clear();
    tabs?.postMessage({ path: this.path });
  }

  #clear() {
    this.jobs.clear();
    this.#unfollow();
    this.#emit("cleared", {});
  }

  #removeBefore(job) {
    for (const id of [...this.jobs.keys()]) if (this.jobs.get(id).seq < job.seq) this.#remove(id);
  }

  #remove(id) {
    this.jobs.delete(id);
    if (this.#followedId === id) this.#unfollow();
    this.#emit("removed", { id });
  }

  /** Follow the first unanswered turn only: a browser has few connections, and a hidden page needs none. */
  #follow() {
    const waiting = [...this.jobs.values()].filter((job) => !hasEnded(job)).sort((a, b) => a.seq - b.seq);
    clearTimeout(this.#timer);
    if (waiting.length > (document.hidden ? 0 : 1)) this.#timer = setTimeout(() => this.#poll(waiting), POLL_S * 1000);
    const firstId = document.hidden ? undefined : waiting[0]?.id;
    if (firstId === this.#followedId) return;
    this.#unfollow();
    if (firstId) this.#subscribe(firstId);
  }

  #unfollow() {
    this.#source?.close();
    this.#source = this.#followedId = null;
  }

  #subscribe(id) {
    const source = new EventSource(address(`v1/jobs/${id}/events`));
    const on = (name, listener) => source.addEventListener(name, ({ data }) => listener(JSON.parse(data)));
    on("job", (job) => this.update(job));
    on("part", (part) => this.#emit("part", { id, part }));
    on("restart", () => this.#emit("restart", { id }));
    source.addEventListener("error", ({ data }) => {
      if (data)
        this.#remove(id); // sent by the server: the job was deleted
      else if (source.readyState === EventSource.CLOSED) this.#pollLater(id);
      else connection.check();
    });
    this.#source = source;
    this.#followedId = id;
  }

  /** The stream ended before the turn did: the server was too busy, or the job was deleted. */
  #pollLater(id) {
    this.#unfollow();
    const job = this.jobs.get(id);
    if (job && !hasEnded(job)) this.#timer = setTimeout(() => this.#poll([job]), POLL_S * 1000);
  }

  async #poll(waiting) {
    for (const { id } of waiting) {
      try {
        this.update(await fetchJson(`v1/jobs/${id}`));
      } catch (error) {
        if (error instanceof ApiError && [404, 410].includes(error.status)) this.#remove(id);
        else rethrowUnlessTemporary(error);
      }
    }
    this.#follow();
  }

  #emit(name, detail) {
    this.dispatchEvent(new CustomEvent(name, { detail }));
  }
}

/** Without the turns that were answered again: the new one takes the place of each. */
function withoutReplaced(turns) {
  const ids = new Set(turns.map(({ id }) => id));
  return turns.filter(({ rerun_as }) => !ids.has(rerun_as));
}

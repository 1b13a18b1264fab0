// One class as this browser and the server know it: its recordings, and how far each is. Looked at again while any waits.

import { cancelJob, each, eraseJob, eraseJobs, jobsOf, unlessGone } from "./class-jobs.js";
import { connection, ended, excuse, read } from "./server.js";
import { unguessable } from "./store.js";

const LOOK_S = 2; // seconds between two looks

/** The kinds of states that a teacher asks for. */
export const KINDS = { done: ["succeeded"], waiting: ["unknown", "kept", "queued", "transcribing", "thinking", "speaking"], failed: ["refused", "failed", "canceled", "expired", "gone"] };
export const kindOf = (state) => Object.keys(KINDS).find((kind) => KINDS[kind].includes(state));

/** Recordings that were on their way when they were discarded: id of the item -> what is to become of its job. */
export const unwanted = new Map();

/** Event: "changed". */
export class Batch extends EventTarget {
  seconds = null; // until all is answered, as far as anybody knows
  known = false; // whether the server has said what it has
  #jobs = new Map(); // id -> job
  #erased = new Set(); // ids of jobs that a list asked for earlier may still have
  #items = [];
  #looking = null;
  #timer = null;
  #closed = new AbortController();

  /** `kept` is {id, files, fields}: what this browser remembers of the class. */
  constructor(kept, outbox) {
    super();
    Object.assign(this, { ...kept, outbox });
    const until = { signal: this.#closed.signal };
    connection.addEventListener("found", () => this.look(), until);
    document.addEventListener("visibilitychange", () => document.hidden || this.look(), until);
    outbox.addEventListener("changed", () => this.#show(), until);
    outbox.addEventListener("accepted", ({ detail }) => this.#accepted(detail), until);
  }

  close() {
    this.#closed.abort();
    clearTimeout(this.#timer);
  }

  /** One for each recording, {name, state, item, job}; the newest job of those that it was sent as. */
  rows() {
    const jobs = new Map([...this.#jobs.values()].sort(older).map((job) => [job.metadata.file, job]));
    const items = new Map(this.#items.map((item) => [item.fields.metadata.file, item]));
    const names = new Set([...this.files, ...items.keys(), ...jobs.keys()]);
    return [...names].sort(new Intl.Collator(undefined, { numeric: true }).compare).map((name) => this.#row(name, items.get(name), jobs.get(name)));
  }

  #row(name, item, job) {
    const here = item && (item.refused ? "refused" : "kept");
    return { name, item, job, state: here ?? job?.state ?? (this.known ? "gone" : "unknown") };
  }

  /** Ask the server how far all are: one request, and one for the time to go. */
  look() {
    this.#looking ??= this.#lookOnce().finally(() => (this.#looking = null));
    return this.#looking;
  }

  async #lookOnce() {
    clearTimeout(this.#timer);
    const before = [...this.#jobs.keys()];
    try {
      const found = new Set((await jobsOf(this.id)).map((job) => this.#keep(job)));
      for (const id of before) if (!found.has(id)) this.#jobs.delete(id); // erased meanwhile
      this.known = true;
      this.seconds = await this.#timeToGo();
    } catch (error) {
      excuse(error);
    }
    await this.#show();
  }

  async #accepted({ item, job }) {
    if (item.fields.metadata.batch === this.id && !unwanted.has(item.id)) await this.#take(job);
  }

  #keep(job) {
    const before = this.#jobs.get(job.id);
    const settled = (before && ended(before)) || this.#erased.has(job.id); // what has ended never changes again
    if (!settled) this.#jobs.set(job.id, job);
    return job.id;
  }

  async #take(job) {
    this.#keep(job);
    await this.#show();
  }

  async #show() {
    this.#items = (await this.outbox.items()).filter((item) => item.fields.metadata.batch === this.id);
    if (this.#closed.signal.aborted) return;
    this.dispatchEvent(new Event("changed"));
    clearTimeout(this.#timer);
    const waits = this.rows().some(({ state }) => kindOf(state) === "waiting");
    if (waits && !document.hidden && !connection.lost) this.#timer = setTimeout(() => this.look(), LOOK_S * 1000);
  }

  /** Jobs are answered in the order accepted: when the last one is, all are. */
  async #timeToGo() {
    const last = [...this.#jobs.values()].filter((job) => !ended(job)).sort(older).at(-1);
    return last ? (await read(`/v1/jobs/${last.id}`).catch(unlessGone))?.eta_seconds ?? null : null;
  }

  /** End all that is not answered yet. */
  async cancel() {
    const cancel = async ({ id }) => {
      const job = await cancelJob(id);
      if (job) await this.#take(job);
    };
    for (const item of this.#items) if (!item.refused) await this.#discard(item, cancel);
    await each([...this.#jobs.values()].filter((job) => !ended(job)).sort(older).reverse(), cancel);
    await this.look();
  }

  async #discard(item, then) {
    unwanted.set(item.id, then);
    await this.outbox.discard(item);
  }

  /** Have the server try again what failed through no fault of its own; the failed one makes room for it. */
  async retry({ job }) {
    const again = await read(job.links.retry, { method: "POST" });
    await this.#forget(job);
    await this.#take(again);
  }

  /** Send another recording in a row's place. */
  async replace({ name, item, job }, recording, session) {
    const known = { ...this.fields, ...(job && { persona: job.persona }), lane: "bulk", session: job?.session ?? session };
    const fields = item?.fields ?? { ...known, metadata: { batch: this.id, file: name, homework: this.name } };
    await this.outbox.add({ id: unguessable(), recording, name: recording.name, fields });
    if (item) await this.outbox.discard(item);
    if (job) await this.#forget(job);
    await this.look();
  }

  async #forget(job) {
    await eraseJob(job);
    this.#erased.add(job.id);
    this.#jobs.delete(job.id);
  }

  /** Erase one recording and all that came of it. */
  async drop({ name }) {
    this.files = this.files.filter((each) => each !== name);
    for (const item of this.#items) if (item.fields.metadata.file === name) await this.#discard(item, (job) => this.#forget(job));
    await each([...this.#jobs.values()].filter(({ metadata }) => metadata.file === name), (job) => this.#forget(job));
    await this.#show();
  }

  /** Erase the class, here and on the server. */
  async erase() {
    for (const item of this.#items) await this.#discard(item, eraseJob);
    await eraseJobs(await jobsOf(this.id));
  }
}

const older = (one, other) => one.created_at.localeCompare(other.created_at) || one.seq - other.seq;

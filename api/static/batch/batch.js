// One batch as this browser and the server know it: its recordings and their states, refreshed while any is unfinished.

import { connection, fetchJson, hasEnded, rethrowUnlessTemporary } from "../shared/api.js";
import { randomId } from "../shared/db.js";
import { cancelJob, deleteJob, deleteJobs, forEachParallel, listBatchJobs, nullIfGone } from "../shared/jobs.js";

const REFRESH_S = 2;

/** The filters of the table, and the states that belong to each. */
export const KINDS = {
  done: ["succeeded"],
  waiting: ["unknown", "unsent", "queued", "transcribing", "thinking", "speaking"],
  failed: ["refused", "failed", "canceled", "expired", "gone"],
};
export const kindOf = (state) => Object.keys(KINDS).find((kind) => KINDS[kind].includes(state));

/** Recordings that were discarded while they were being sent: id of the item -> what to do with its job. */
export const discardedItems = new Map();

/** Event: "changed". */
export class Batch extends EventTarget {
  secondsLeft = null; // until all are answered; null while that is unknown
  loaded = false; // whether the server's list has arrived
  #jobs = new Map(); // id -> job
  #deletedIds = new Set(); // of jobs that an outdated list from the server may still contain
  #items = [];
  #refreshing = null;
  #timer = null;
  #closing = new AbortController();

  /** `stored` is this browser's entry of the batch: {id, name, at, files, fields}. */
  constructor(stored, outbox) {
    super();
    Object.assign(this, { ...stored, outbox });
    const options = { signal: this.#closing.signal };
    connection.addEventListener("connected", () => this.refresh(), options);
    document.addEventListener("visibilitychange", () => document.hidden || this.refresh(), options);
    outbox.addEventListener("changed", () => this.#show(), options);
    outbox.addEventListener("accepted", ({ detail }) => this.#handleAccepted(detail), options);
  }

  close() {
    this.#closing.abort();
    clearTimeout(this.#timer);
  }

  /** One for each recording, {name, state, item, job}; of several jobs of a recording the newest. */
  rows() {
    const jobs = new Map([...this.#jobs.values()].sort(byAge).map((job) => [job.metadata.file, job]));
    const items = new Map(this.#items.map((item) => [item.fields.metadata.file, item]));
    const names = [...new Set([...this.files, ...items.keys(), ...jobs.keys()])];
    const { compare } = new Intl.Collator(undefined, { numeric: true });
    return names.sort(compare).map((name) => this.#row(name, items.get(name), jobs.get(name)));
  }

  #row(name, item, job) {
    const itemState = item && (item.refused ? "refused" : "unsent");
    return { name, item, job, state: itemState ?? job?.state ?? (this.loaded ? "gone" : "unknown") };
  }

  /** Ask the server for all states: one request, and one for the time left. */
  refresh() {
    this.#refreshing ??= this.#refreshOnce().finally(() => (this.#refreshing = null));
    return this.#refreshing;
  }

  async #refreshOnce() {
    clearTimeout(this.#timer);
    const before = [...this.#jobs.keys()];
    try {
      const ids = new Set((await listBatchJobs(this.id)).map((job) => this.#update(job)));
      for (const id of before) if (!ids.has(id)) this.#jobs.delete(id); // deleted elsewhere
      this.loaded = true;
      this.secondsLeft = await this.#fetchSecondsLeft();
    } catch (error) {
      rethrowUnlessTemporary(error);
    }
    await this.#show();
  }

  async #handleAccepted({ item, job }) {
    if (item.fields.metadata.batch === this.id && !discardedItems.has(item.id)) await this.#updateAndShow(job);
  }

  /** Store a job's new state. An outdated response that arrives late changes nothing. */
  #update(job) {
    const before = this.#jobs.get(job.id);
    const isFinal = (before && hasEnded(before)) || this.#deletedIds.has(job.id);
    if (!isFinal) this.#jobs.set(job.id, job);
    return job.id;
  }

  async #updateAndShow(job) {
    this.#update(job);
    await this.#show();
  }

  async #show() {
    this.#items = await this.#readItems();
    if (this.#closing.signal.aborted) return;
    this.dispatchEvent(new Event("changed"));
    clearTimeout(this.#timer);
    const isWaiting = this.rows().some(({ state }) => kindOf(state) === "waiting");
    if (!isWaiting || document.hidden || connection.isDisconnected) return;
    this.#timer = setTimeout(() => this.refresh(), REFRESH_S * 1000);
  }

  async #readItems() {
    return (await this.outbox.items()).filter((item) => item.fields.metadata.batch === this.id);
  }

  /** Jobs are answered in the order accepted: when the last one is done, all are. */
  async #fetchSecondsLeft() {
    const last = [...this.#jobs.values()]
      .filter((job) => !hasEnded(job))
      .sort(byAge)
      .at(-1);
    const job = last && (await fetchJson(`v1/jobs/${last.id}`).catch(nullIfGone));
    return job?.eta_seconds ?? null;
  }

  // What is canceled or deleted is read first, the items before the jobs: what is shown may be older, and an item that
  // is no longer there is a job on the server.

  /** Cancel everything that is not answered yet. */
  async cancel() {
    const cancel = async ({ id }) => {
      const job = await cancelJob(id);
      if (job) await this.#updateAndShow(job);
    };
    for (const item of await this.#readItems()) if (!item.refused) await this.#discard(item, cancel);
    const jobs = (await listBatchJobs(this.id)).filter((job) => !hasEnded(job));
    await forEachParallel(jobs.sort(byAge).reverse(), cancel);
    await this.refresh();
  }

  async #discard(item, handleJob) {
    discardedItems.set(item.id, handleJob);
    await this.outbox.discard(item);
  }

  /** Have the server repeat a job that failed for reasons other than its recording; it replaces the failed one. */
  async retry({ job }) {
    const newJob = await fetchJson(job.links.retry, { method: "POST" });
    await this.#deleteJob(job);
    await this.#updateAndShow(newJob);
  }

  /** Send another recording in place of a row's. */
  async replace({ name, item, job }, recording, session) {
    const fields = item?.fields ?? {
      ...this.fields,
      ...(job && { persona: job.persona }),
      lane: "bulk",
      session: job?.session ?? session,
      metadata: { batch: this.id, file: name, homework: this.name },
    };
    await this.outbox.add({ id: randomId(), recording, name: recording.name, fields });
    if (item) await this.outbox.discard(item);
    if (job) await this.#deleteJob(job);
    await this.refresh();
  }

  async #deleteJob(job) {
    await deleteJob(job);
    this.#deletedIds.add(job.id);
    this.#jobs.delete(job.id);
  }

  /** Delete one recording and its answer. */
  async remove({ name }) {
    this.files = this.files.filter((file) => file !== name);
    const items = (await this.#readItems()).filter(({ fields }) => fields.metadata.file === name);
    for (const item of items) {
      await this.#discard(item, async (job) => {
        await this.#deleteJob(job);
        await this.#show(); // a refresh may have listed the job before it was deleted
      });
    }
    const jobs = items.length && this.loaded ? [...this.#jobs.values()] : await listBatchJobs(this.id);
    const jobsOfFile = jobs.filter(({ metadata }) => metadata.file === name);
    await forEachParallel(jobsOfFile, (job) => this.#deleteJob(job));
    await this.#show();
  }

  /** Delete the batch, here and on the server. */
  async erase() {
    for (const item of await this.#readItems()) await this.#discard(item, deleteJob);
    await deleteJobs(await listBatchJobs(this.id));
  }
}

const byAge = (a, b) => a.created_at.localeCompare(b.created_at) || a.seq - b.seq;

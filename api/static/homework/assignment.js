// The open homework as the server has it, refreshed regularly, and more often while jobs are unfinished.

import { connection, rethrowUnlessTemporary } from "../shared/api.js";
import { fetchAssignment, fetchJobs } from "./api.js";

const BUSY_REFRESH_S = 2;
const IDLE_REFRESH_S = 15; // recordings may be handed in from elsewhere
const EMPTY_STATES = new Set(["queued", "transcribing"]); // a job in them has nothing to show yet

/** The filters of the table, and the states that belong to each. */
export const KINDS = {
  done: ["succeeded"],
  held: ["held"],
  waiting: ["queued", "transcribing", "thinking", "speaking"],
  failed: ["failed", "canceled", "expired"],
  missing: ["missing"],
};
export const kindOf = (state) => Object.keys(KINDS).find((kind) => KINDS[kind].includes(state));

/** Events: "changed"; "notfound" when the server has no such homework. */
export class Assignment extends EventTarget {
  data = null; // the body of GET /v1/assignments/ID; null until it is loaded
  #etag = null;
  #jobs = new Map(); // id -> job, read when its state changes
  #refreshing = null;
  #timer = null;
  #closing = new AbortController();

  constructor(id) {
    super();
    this.id = id;
    const options = { signal: this.#closing.signal };
    connection.addEventListener("connected", () => this.refresh(), options);
    document.addEventListener("visibilitychange", () => document.hidden || this.refresh(), options);
  }

  close() {
    this.#closing.abort();
    clearTimeout(this.#timer);
  }

  /** {student, number, state, submission, job, isReading} of each student in the order of the class list, then of anybody else. */
  rows() {
    const submissions = new Map(this.data.submissions.map((submission) => [submission.student, submission]));
    const inClass = new Set(this.data.students.map(({ name }) => name));
    const { compare } = new Intl.Collator(undefined, { numeric: true });
    const outsiders = [...submissions.keys()].filter((name) => !inClass.has(name)).sort(compare);
    const students = [...this.data.students, ...outsiders.map((name) => ({ name, id: "" }))];
    return students.map(({ name, id }) => {
      const submission = submissions.get(name);
      const job = submission && this.#jobs.get(submission.job);
      return { student: name, number: id, submission, state: submission?.state ?? "missing", job, isReading: this.isReading };
    });
  }

  /** Whether a text was to be read aloud. */
  get isReading() {
    return Boolean(this.data.text.trim());
  }

  /** The rows whose answer waits for the teacher's review. */
  heldRows() {
    return this.rows().filter(({ state }) => state === "held");
  }

  refresh() {
    this.#refreshing ??= this.#refreshOnce().finally(() => (this.#refreshing = null));
    return this.#refreshing;
  }

  /** Refresh after a change: the response to a running request may be from before the change. */
  async refreshAfterChange() {
    await this.#refreshing;
    await this.refresh();
  }

  async #refreshOnce() {
    clearTimeout(this.#timer);
    try {
      const response = await fetchAssignment(this.id, this.#etag);
      if (response) await this.#update(response);
    } catch (error) {
      if (error.code === "unknown_assignment") return void this.dispatchEvent(new Event("notfound"));
      rethrowUnlessTemporary(error);
    }
    this.#scheduleRefresh();
  }

  async #update({ data, etag }) {
    const isStale = ({ job, state }) => !EMPTY_STATES.has(state) && this.#jobs.get(job)?.state !== state;
    const staleIds = new Set(data.submissions.filter(isStale).map(({ job }) => job));
    for (const job of await fetchJobs(this.id, staleIds)) this.#jobs.set(job.id, job);
    this.data = data;
    this.#etag = etag; // only now: if a request failed, everything is read again
    this.#show();
  }

  /** Store a job that the server has just sent. */
  setJob(job) {
    this.#jobs.set(job.id, job);
    this.#show();
  }

  #show() {
    if (!this.#closing.signal.aborted) this.dispatchEvent(new Event("changed"));
  }

  #scheduleRefresh() {
    clearTimeout(this.#timer);
    if (this.#closing.signal.aborted || document.hidden || connection.isDisconnected) return;
    const seconds = this.data?.progress.working === 0 ? IDLE_REFRESH_S : BUSY_REFRESH_S;
    this.#timer = setTimeout(() => this.refresh(), seconds * 1000);
  }
}

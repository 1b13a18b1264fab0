// The homework that is open, as the server knows it now: looked at again and again, sooner while any of it is at work.

import { unlessGone } from "./class-jobs.js";
import { jobsOf, look } from "./homework-api.js";
import { connection, excuse } from "./server.js";

const WORKING_S = 2; // seconds between two looks while answers are made
const RESTING_S = 15; // seconds between two looks else: somebody may hand in from elsewhere
const SILENT = new Set(["queued", "transcribing"]); // there is nothing to be read of a job yet

/** The kinds of states that a teacher asks for. */
export const KINDS = { done: ["succeeded"], held: ["held"], waiting: ["queued", "transcribing", "thinking", "speaking"], failed: ["failed", "canceled", "expired"], missing: ["missing"] };
export const kindOf = (state) => Object.keys(KINDS).find((kind) => KINDS[kind].includes(state));

/** Events: "changed"; "gone" when there is no such homework. */
export class Homework extends EventTarget {
  view = null; // as GET /v1/assignments/ID has it, null until it is known
  #tag = null;
  #jobs = new Map(); // id -> job, as it was when its state was last seen to change
  #looking = null;
  #timer = null;
  #closed = new AbortController();

  constructor(id) {
    super();
    this.id = id;
    const until = { signal: this.#closed.signal };
    connection.addEventListener("found", () => this.look(), until);
    document.addEventListener("visibilitychange", () => document.hidden || this.look(), until);
  }

  close() {
    this.#closed.abort();
    clearTimeout(this.#timer);
  }

  /** One for each student, in the order of the class, those who handed nothing in too: {student, number, state, submission, job}. */
  rows() {
    const handedIn = new Map(this.view.submissions.map((each) => [each.student, each]));
    const inClass = new Set(this.view.students.map(({ name }) => name));
    const others = [...handedIn.keys()].filter((name) => !inClass.has(name)).sort(new Intl.Collator(undefined, { numeric: true }).compare);
    return [...this.view.students, ...others.map((name) => ({ name, id: "" }))].map(({ name, id }) => {
      const submission = handedIn.get(name);
      return { student: name, number: id, submission, state: submission?.state ?? "missing", job: submission && this.#jobs.get(submission.job) };
    });
  }

  held() {
    return this.rows().filter(({ state }) => state === "held");
  }

  look() {
    this.#looking ??= this.#lookOnce().finally(() => (this.#looking = null));
    return this.#looking;
  }

  /** Look at what has just been changed: a look that is under way may have come too early. */
  async lookAnew() {
    await this.#looking;
    await this.look();
  }

  async #lookOnce() {
    clearTimeout(this.#timer);
    try {
      const found = await look(this.id, this.#tag);
      if (found) await this.#take(found);
    } catch (error) {
      if (error.code === "unknown_assignment") return void this.dispatchEvent(new Event("gone"));
      excuse(error);
    }
    this.#lookLater();
  }

  async #take({ view, tag }) {
    const stale = view.submissions.filter(({ job, state }) => !SILENT.has(state) && this.#jobs.get(job)?.state !== state);
    const found = await jobsOf(this.id, new Set(stale.map(({ job }) => job)), unlessGone);
    for (const job of found) this.#jobs.set(job.id, job);
    Object.assign(this, { view });
    this.#tag = tag; // only now: had a request failed, all of it is asked for again
    this.#show();
  }

  /** A job as the server has just said it is. */
  keep(job) {
    this.#jobs.set(job.id, job);
    this.#show();
  }

  #show() {
    if (!this.#closed.signal.aborted) this.dispatchEvent(new Event("changed"));
  }

  #lookLater() {
    clearTimeout(this.#timer);
    if (this.#closed.signal.aborted || document.hidden || connection.lost) return;
    const seconds = this.view?.progress.working === 0 ? RESTING_S : WORKING_S;
    this.#timer = setTimeout(() => this.look(), seconds * 1000);
  }
}

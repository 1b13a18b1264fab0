// The latest failures: what failed, at which stage and why; a dead job can be retried.

import { errorText, language, t } from "../i18n/index.js";
import { ApiError, fetchJson, Unreachable } from "../shared/api.js";
import { copyButton } from "../shared/copy_button.js";
import { $id, announce, arrangeChildren, button, element, icon } from "../shared/dom.js";
import { badge } from "./recent_jobs.js";
import { timeElement } from "./time.js";

const PAGE_SIZE = 8;
const TIMEOUT_S = 10;
const REFRESH_S = 30; // the list is also read when nothing new failed: jobs may have been deleted
const COPY = { label: "status_copy", done: "status_copied" };

export class Failures {
  #jobs = new Map(); // id -> job; `retryError` is the reason why a retry was refused
  #items = new Map(); // id -> {fingerprint, node}
  #cursor = null; // of the older ones
  #lastRead = { count: null, at: 0 };
  #figures = null;
  #recentJobs = [];
  #loaded = false;

  constructor() {
    $id("only-retryable").addEventListener("change", () => this.#reload());
    $id("older").addEventListener("click", () => this.#loadOlder());
  }

  /** Read the newest failures when /metrics counts more than before. */
  async refresh(figures) {
    this.#figures = figures;
    const count = figures.ended.failed + figures.ended.expired;
    if (count === this.#lastRead.count && Date.now() - this.#lastRead.at < REFRESH_S * 1000) return;
    const request = (this.#lastRead = { count, at: Date.now() });
    const page = await this.#fetchPage("");
    if (request !== this.#lastRead) return; // a later request is under way
    if (!page) return void (this.#lastRead.count = null);
    const overlaps = page.jobs.some(({ id }) => this.#jobs.has(id));
    if (!overlaps) this.#startOver(page); // there may be others between these and the ones shown
    this.#add(page.jobs);
  }

  #reload() {
    this.#jobs.clear();
    this.#lastRead.count = null;
    return this.refresh(this.#figures);
  }

  #startOver({ next }) {
    this.#jobs.clear();
    this.#cursor = next;
  }

  async #loadOlder() {
    const page = await this.#fetchPage(`&cursor=${this.#cursor}`);
    if (!page) return;
    this.#cursor = page.next;
    this.#add(page.jobs);
  }

  /** A page of them; null when the request fails, which the headline shows. */
  async #fetchPage(cursor) {
    const filter = $id("only-retryable").checked ? "dead=true" : "state=failed";
    try {
      return await fetchJson(`v1/jobs?${filter}&limit=${PAGE_SIZE}${cursor}`, { timeoutS: TIMEOUT_S });
    } catch (error) {
      if (error instanceof ApiError || error instanceof Unreachable) return null;
      throw error;
    }
  }

  #add(jobs) {
    this.#loaded = true;
    for (const job of jobs) this.#update(job);
    this.show();
  }

  /** Store a job. An outdated response that arrives late does not undo a retry. */
  #update(job) {
    const { retryError = null, retried_as: retriedAs = null } = this.#jobs.get(job.id) ?? {};
    this.#jobs.set(job.id, { retryError, ...job, retried_as: job.retried_as ?? retriedAs });
  }

  /** `recentJobs` have the states of the jobs that replace retried ones. */
  show(recentJobs = this.#recentJobs) {
    this.#recentJobs = recentJobs;
    const jobs = [...this.#jobs.values()].sort((a, b) => b.created_at.localeCompare(a.created_at));
    this.#items = new Map(jobs.map((job) => [job.id, this.#item(job)]));
    arrangeChildren(
      $id("failures"),
      [...this.#items.values()].map(({ node }) => node),
    );
    const emptyKey = $id("only-retryable").checked ? "status_no_retryable" : "status_no_failures";
    $id("no-failures").hidden = jobs.length > 0 || !this.#loaded;
    $id("no-failures").lastElementChild.textContent = t(emptyKey);
    $id("older").hidden = this.#cursor === null;
  }

  /** An item is made again only when something has changed. */
  #item(job) {
    const retryState = this.#recentJobs.find(({ id }) => id === job.retried_as)?.state;
    const fingerprint = JSON.stringify([job.retried_as, job.retryError, retryState, language]);
    const before = this.#items.get(job.id);
    if (before?.fingerprint === fingerprint) return before;
    return { fingerprint, node: failureItem(job, retryState, () => this.#retry(job)) };
  }

  async #retry(job) {
    try {
      const newJob = await fetchJson(job.links.retry, { method: "POST" });
      this.#update({ ...job, retried_as: newJob.id, retryError: null });
      announce(t("status_retried"));
    } catch (error) {
      if (!(error instanceof ApiError || error instanceof Unreachable)) throw error;
      const retryError = error instanceof ApiError ? errorText(error) : t("status_unreachable");
      this.#update({ ...job, retryError });
      announce(retryError);
    }
    this.show();
  }
}

/** `retryState` is the state of the job that replaces it, if that is known. */
function failureItem(job, retryState, retry) {
  const { id, state, error, updated_at, links, retried_as: retriedAs, retryError } = job;
  const canRetry = links.retry && !retriedAs;
  return element(
    "li",
    { "data-job": id },
    element(
      "header",
      {},
      badge(state),
      element("p", { class: "explanation" }, errorText(error)),
      timeElement(updated_at),
    ),
    failureDetails(job),
    element("p", { class: "small detail", lang: "en" }, error.detail),
    element(
      "footer",
      {},
      retriedAs && retriedLine(retriedAs, retryState),
      retryError && element("p", { class: "error" }, icon("bad"), retryError),
      canRetry && button("primary small retry", "again", t("try_again"), retry),
    ),
  );
}

function failureDetails({ id, error, task, attempts }) {
  const detail = (key, ...values) => element("div", {}, element("dt", {}, t(key)), element("dd", {}, ...values));
  return element(
    "dl",
    {},
    detail("status_code", element("code", {}, error.code)),
    detail("status_stage", t(`status_stage_${error.stage}`)),
    detail("status_task", t(`status_task_${task}`)),
    detail("status_attempts", attempts[error.stage] ?? 0),
    detail("status_job_id", element("code", {}, id), copyButton(id, COPY)),
  );
}

function retriedLine(id, state) {
  const nodes = [icon("again"), t("status_retried"), element("code", {}, id), copyButton(id, COPY), state && badge(state)];
  return element("p", {}, ...nodes);
}

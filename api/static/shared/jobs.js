// Requests about jobs. The jobs of a batch have its id in their metadata.

import { ApiError, fetchApi, fetchJson } from "./api.js";

const PARALLEL_REQUESTS = 3;
const GONE_STATUSES = [404, 410];

/** All jobs of a batch, page after page. */
export async function listBatchJobs(batch) {
  const jobs = [];
  const path = `v1/jobs?limit=100&metadata=${encodeURIComponent(`batch:${batch}`)}`;
  for (let page = await fetchJson(path); ; page = await fetchJson(`${path}&cursor=${page.next}`)) {
    jobs.push(...page.jobs);
    if (!page.next) return jobs;
  }
}

/** Cancel a job that is not finished; the job after that, null when it no longer exists. */
export const cancelJob = (id) => fetchJson(`v1/jobs/${id}/cancel`, { method: "POST" }).catch(nullIfGone);

/** Have a job answered again for `said`, the words that the learner really said; the new job. */
export const answerSaid = (id, said) => fetchJson(`v1/jobs/${id}/said`, { method: "POST", json: { said } });

/** Delete a job. The first DELETE only cancels a job that is not finished. */
export async function deleteJob({ id }) {
  const remove = () => fetchApi(`v1/jobs/${id}`, { method: "DELETE" }).catch(nullIfGone);
  if ((await remove())?.status === 200) await remove();
}

export const deleteJobs = (jobs) => forEachParallel(jobs, deleteJob);

/** Await work(item) for each item of `list`, a few at the same time. */
export async function forEachParallel(list, work) {
  const queue = [...list];
  const runNext = async () => {
    for (let item = queue.shift(); item; item = queue.shift()) await work(item);
  };
  await Promise.all(Array.from({ length: PARALLEL_REQUESTS }, runNext));
}

export function nullIfGone(error) {
  if (!(error instanceof ApiError && GONE_STATUSES.includes(error.status))) throw error;
  return null;
}

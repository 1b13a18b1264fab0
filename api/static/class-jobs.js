// What the server knows of a class: its jobs are those with its id in their metadata.

import { call, Problem, read } from "./server.js";

const AT_ONCE = 3; // requests at the same time
const GONE = [404, 410];

/** All jobs of a class, page after page. */
export async function jobsOf(batch) {
  const jobs = [];
  const path = `/v1/jobs?limit=100&metadata=${encodeURIComponent(`batch:${batch}`)}`;
  for (let page = await read(path); ; page = await read(`${path}&cursor=${page.next}`)) {
    jobs.push(...page.jobs);
    if (!page.next) return jobs;
  }
}

/** Cancel what is not answered yet; the job as it is then, null when there is none any more. */
export const cancelJob = (id) => read(`/v1/jobs/${id}/cancel`, { method: "POST" }).catch(unlessGone);

/** Erase a job. While it is not answered, the first DELETE only cancels it. */
export async function eraseJob({ id }) {
  const erase = () => call(`/v1/jobs/${id}`, { method: "DELETE" }).catch(unlessGone);
  if ((await erase())?.status === 200) await erase();
}

export const eraseJobs = (jobs) => each(jobs, eraseJob);

/** Do the work for each, a few at the same time. */
export async function each(list, work) {
  const left = [...list];
  const line = async () => {
    for (let one = left.shift(); one; one = left.shift()) await work(one);
  };
  await Promise.all(Array.from({ length: AT_ONCE }, line));
}

export function unlessGone(error) {
  if (!(error instanceof Problem && GONE.includes(error.status))) throw error;
  return null;
}

// Homework as the server knows it: what is set, who has handed in, what becomes of the answers.

import { each } from "./class-jobs.js";
import { call, read } from "./server.js";

const FEW = 3; // jobs that are asked for one by one; more of them, as pages of all that the class handed in
const ALL_S = 60; // seconds that what is asked of a whole class may take
const UNCHANGED = 304;

const at = (id, rest = "") => `/v1/assignments/${encodeURIComponent(id)}${rest}`;

export const allHomework = async () => (await read("/v1/assignments")).assignments;
export const setHomework = (id, fields) => read(at(id), { method: "PUT", json: fields });
export const eraseHomework = (id) => call(at(id), { method: "DELETE", seconds: ALL_S });
export const exportOf = (id) => at(id, "/export");
export const reportOf = (id) => at(id, "/report");
export const submissionsOf = (id) => at(id, "/submissions");

/** The homework and its tag; null when it is as it was at that tag. */
export async function look(id, tag) {
  const answer = await call(at(id), { headers: tag ? { "If-None-Match": tag } : {} });
  return answer.status === UNCHANGED ? null : { view: await answer.json(), tag: answer.headers.get("ETag") };
}

/** The jobs of these ids, in any order; one that is erased meanwhile is left out. */
export async function jobsOf(id, wanted, unlessGone) {
  const found = [];
  if (wanted.size > FEW) {
    const path = `/v1/jobs?limit=100&assignment=${encodeURIComponent(id)}`;
    for (let page = await read(path); ; page = await read(`${path}&cursor=${page.next}`)) {
      found.push(...page.jobs.filter((job) => wanted.has(job.id)));
      if (!page.next || found.length === wanted.size) return found;
    }
  }
  await each([...wanted], async (one) => found.push(await read(`/v1/jobs/${one}`).catch(unlessGone)));
  return found.filter(Boolean);
}

const post = (path, json) => read(path, { method: "POST", json, seconds: ALL_S });

export const changeAnswer = (job, changes) => read(`/v1/jobs/${job}/feedback`, { method: "PUT", json: changes });
export const release = (job) => post(`/v1/jobs/${job}/release`);
export const releaseAll = (id) => post(at(id, "/release"));
export const answerAgain = (job, from, otherwise) => post(`/v1/jobs/${job}/rerun?from=${from}`, otherwise);
export const answerAllAgain = (id, from, otherwise) => post(at(id, `/rerun?from=${from}`), otherwise);

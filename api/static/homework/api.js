// The API's requests about homework: assignments, submissions, and what a teacher does with answers.

import { address } from "../shared/address.js";
import { fetchApi, fetchJson } from "../shared/api.js";
import { forEachParallel, nullIfGone } from "../shared/jobs.js";

const MAX_SINGLE_REQUESTS = 3; // for jobs; more of them are read as pages of all jobs of the assignment
const CLASS_REQUEST_TIMEOUT_S = 60; // for a request about a whole class
const DOWNLOAD_TIMEOUT_S = 600; // for the answers of a whole class
const NOT_MODIFIED = 304;

const assignmentPath = (id, rest = "") => `v1/assignments/${encodeURIComponent(id)}${rest}`;

export const listAssignments = async () => (await fetchJson("v1/assignments")).assignments;
export const listClasses = async () => (await fetchJson("v1/classes")).classes;
export const saveAssignment = (id, fields) => fetchJson(assignmentPath(id), { method: "PUT", json: fields });
export const deleteAssignment = (id) =>
  fetchApi(assignmentPath(id), { method: "DELETE", timeoutS: CLASS_REQUEST_TIMEOUT_S });
export const exportUrl = (id) => address(assignmentPath(id, "/export"));
export const fetchExport = async (id, system) =>
  (await fetchApi(assignmentPath(id, `/export?for=${system}`), { timeoutS: DOWNLOAD_TIMEOUT_S })).blob();
export const reportUrl = (id) => address(assignmentPath(id, "/report"));
export const fetchClassLedger = (id) => fetchJson(assignmentPath(id, "/ledger"));
export const submissionsUrl = (id) => address(assignmentPath(id, "/submissions"));

/** A school's grading sheet, a CSV file, with the answers; `content` is in Base64. */
export function fillSheet(id, file) {
  const form = new FormData();
  form.append("file", file);
  return fetchJson(assignmentPath(id, "/sheet"), { method: "POST", form, timeoutS: CLASS_REQUEST_TIMEOUT_S });
}

/** {data, etag} of an assignment; null when it has not changed since `etag`. */
export async function fetchAssignment(id, etag) {
  const response = await fetchApi(assignmentPath(id), { headers: etag ? { "If-None-Match": etag } : {} });
  return response.status === NOT_MODIFIED ? null : { data: await response.json(), etag: response.headers.get("ETag") };
}

/** The jobs of an assignment with these ids (a Set), in any order, without those that no longer exist. */
export async function fetchJobs(assignment, ids) {
  const jobs = [];
  if (ids.size > MAX_SINGLE_REQUESTS) {
    const path = `v1/jobs?limit=100&assignment=${encodeURIComponent(assignment)}`;
    for (let page = await fetchJson(path); ; page = await fetchJson(`${path}&cursor=${page.next}`)) {
      jobs.push(...page.jobs.filter((job) => ids.has(job.id)));
      if (!page.next || jobs.length === ids.size) return jobs;
    }
  }
  await forEachParallel([...ids], async (id) => jobs.push(await fetchJson(`v1/jobs/${id}`).catch(nullIfGone)));
  return jobs.filter(Boolean);
}

const post = (path, json) => fetchJson(path, { method: "POST", json, timeoutS: CLASS_REQUEST_TIMEOUT_S });

export const changeFeedback = (job, changes) => fetchJson(`v1/jobs/${job}/feedback`, { method: "PUT", json: changes });
export const release = (job) => post(`v1/jobs/${job}/release`);
export const releaseAll = (id) => post(assignmentPath(id, "/release"));
export const rerunJob = (job, from, overrides) => post(`v1/jobs/${job}/rerun?from=${from}`, overrides);
export const rerunAll = (id, from, overrides) => post(assignmentPath(id, `/rerun?from=${from}`), overrides);

// The API's requests about classes.

import { address } from "../shared/address.js";
import { fetchApi, fetchJson } from "../shared/api.js";

const classPath = (id, rest = "") => `v1/classes/${encodeURIComponent(id)}${rest}`;

export const listClasses = async () => (await fetchJson("v1/classes")).classes;
export const fetchClass = (id) => fetchJson(classPath(id));
export const createClass = (fields) => fetchJson("v1/classes", { method: "POST", json: fields });
export const changeClass = (id, edits) => fetchJson(classPath(id), { method: "PATCH", json: edits });
export const deleteClass = (id) => fetchApi(classPath(id), { method: "DELETE" });
export const fetchProgress = (id) => fetchJson(classPath(id, "/progress"));
export const tableUrl = (id) => address(classPath(id, "/progress.csv"));
export const eraseLearner = (learner) => fetchJson(`v1/learners/${encodeURIComponent(learner)}`, { method: "DELETE" });

/** The pupils of a class list, which is a file or text; nothing is stored. */
export async function readRoster(list) {
  const form = new FormData();
  form.append(typeof list === "string" ? "text" : "file", list);
  return (await fetchJson("v1/rosters", { method: "POST", form })).pupils;
}

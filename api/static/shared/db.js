// What this browser stores in IndexedDB: unsent questions, the learner's own recordings, a teacher's batches.
// In all entries `who` is the id of the user's key, `at` the time in milliseconds.

import { ownName } from "./address.js";

export const BATCHES = "classes"; // the store's original name: renaming it would lose data that browsers already have
const STORES = { outbox: "id", recordings: "job", [BATCHES]: "id" }; // name -> key

const database = new Promise((resolve, reject) => {
  const request = indexedDB.open(ownName("waijiao"), 1);
  request.onupgradeneeded = () =>
    Object.entries(STORES).forEach(([name, keyPath]) => request.result.createObjectStore(name, { keyPath }));
  request.onsuccess = () => resolve(request.result);
  request.onerror = () => reject(request.error);
});

/** Run `work` on these stores in one transaction; the result of the request that it returns. */
async function transaction(names, mode, work) {
  const running = (await database).transaction(names, mode);
  const request = work(...names.map((name) => running.objectStore(name)));
  return new Promise((resolve, reject) => {
    running.oncomplete = () => resolve(request?.result);
    running.onabort = () => reject(running.error);
  });
}

export const put = (name, entry) => transaction([name], "readwrite", (store) => store.put(entry));

/** Whether `writing` succeeded; false when the browser's storage is full. */
export async function unlessStorageFull(writing) {
  try {
    await writing;
    return true;
  } catch (error) {
    if (error.name !== "QuotaExceededError") throw error;
    return false;
  }
}

/** Change some fields of an entry, if it is still there. */
export function updateEntry(name, key, fields) {
  return transaction([name], "readwrite", (store) => {
    store.get(key).onsuccess = ({ target: { result } }) => result && store.put({ ...result, ...fields });
  });
}

export const remove = (name, key) => transaction([name], "readwrite", (store) => store.delete(key));
export const get = (name, key) => transaction([name], "readonly", (store) => store.get(key));
export const getAll = (name) => transaction([name], "readonly", (store) => store.getAll());

const BOXES_OF_LEARNERS = new Set(["talk", "practice"]); // who can hear their own recordings again

/** The server accepted the question as `job`: it leaves the outbox, and its recording can be played again. */
export function markAccepted(item, job) {
  const { id, box, who, recording, seconds, practised } = item;
  return transaction(["outbox", "recordings"], "readwrite", (outbox, recordings) => {
    outbox.delete(id);
    if (!recording || !BOXES_OF_LEARNERS.has(box)) return;
    recordings.put({ job: job.id, who, recording, seconds, practised, at: Date.now() });
  });
}

/** Delete recordings older than `hours`, for which the server keeps their answers, and those of other users. */
export async function deleteStaleRecordings(hours, userId) {
  const oldest = Date.now() - hours * 3_600_000;
  for (const entry of await getAll("recordings")) {
    if (entry.at < oldest || entry.who !== userId) await remove("recordings", entry.job);
  }
}

/** Delete the recordings of the tries that practise a job. */
export async function deleteTries(practised) {
  for (const entry of await getAll("recordings")) {
    if (entry.practised === practised) await remove("recordings", entry.job);
  }
}

/** Delete everything: on a shared computer the next user must not find it. */
export function clearAll() {
  return transaction(Object.keys(STORES), "readwrite", (...stores) => stores.forEach((store) => store.clear()));
}

const ID_BYTES = 16;

/** An id that nobody can guess, in hexadecimal; unlike crypto.randomUUID, this works without a secure context. */
export function randomId() {
  const bytes = crypto.getRandomValues(new Uint8Array(ID_BYTES));
  return [...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}

// What this browser keeps: questions that are not sent yet, the learner's own voice, a teacher's classes. In IndexedDB.

const STORES = { outbox: "id", recordings: "job", classes: "id" };

const opened = new Promise((resolve, reject) => {
  const asked = indexedDB.open("waijiao", 1);
  asked.onupgradeneeded = () => Object.entries(STORES).forEach(([name, keyPath]) => asked.result.createObjectStore(name, { keyPath }));
  asked.onsuccess = () => resolve(asked.result);
  asked.onerror = () => reject(asked.error);
});

/** Run `work` on the stores named, all of it or nothing; what its request gave. */
async function transaction(names, mode, work) {
  const running = (await opened).transaction(names, mode);
  const request = work(...names.map((name) => running.objectStore(name)));
  return new Promise((resolve, reject) => {
    running.oncomplete = () => resolve(request?.result);
    running.onabort = () => reject(running.error);
  });
}

export const put = (store, entry) => transaction([store], "readwrite", (kept) => kept.put(entry));
/** Whether it was done; false when the browser has no room for it. */
export async function unlessFull(kept) {
  try {
    await kept;
    return true;
  } catch (error) {
    if (error.name !== "QuotaExceededError") throw error;
    return false;
  }
}

/** Change some fields of an entry, if it is still there. */
export function amend(store, key, fields) {
  return transaction([store], "readwrite", (kept) => {
    kept.get(key).onsuccess = ({ target: { result } }) => result && kept.put({ ...result, ...fields });
  });
}

export const remove = (store, key) => transaction([store], "readwrite", (kept) => kept.delete(key));
export const get = (store, key) => transaction([store], "readonly", (kept) => kept.get(key));
export const all = (store) => transaction([store], "readonly", (kept) => kept.getAll());

/** The question was accepted as `job`: it is no longer to be sent, and its voice can be heard again. */
export function accepted(item, job) {
  return transaction(["outbox", "recordings"], "readwrite", (outbox, recordings) => {
    outbox.delete(item.id);
    if (item.recording && item.box === "talk") recordings.put({ job: job.id, who: item.who, recording: item.recording, seconds: item.seconds, at: Date.now() });
  });
}

/** Forget the voices that are older than the server keeps the answers to them, and those of others. */
export async function forgetStale(hours, who) {
  const oldest = Date.now() - hours * 3_600_000;
  for (const each of await all("recordings")) if (each.at < oldest || each.who !== who) await remove("recordings", each.job);
}

/** Forget all, as whoever leaves a shared computer would want. */
export function forgetAll() {
  return transaction(Object.keys(STORES), "readwrite", (...stores) => stores.forEach((store) => store.clear()));
}

const HEX = 16;

/** A name nobody can guess; it needs no secure context, unlike crypto.randomUUID. */
export function unguessable() {
  return [...crypto.getRandomValues(new Uint8Array(HEX))].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}

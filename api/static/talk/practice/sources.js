// The sounds of practice: the better sentence at two paces, its words, and the learner's own recordings.

import { findWhole } from "../../feedback/better_sentence.js";
import { fetchApi } from "../../shared/api.js";
import { get } from "../../shared/db.js";
import { cutClip } from "./clips.js";

const SLOW = 0.7; // of the normal pace
const fetched = new Map(); // address -> a recording, which plays again without a connection

async function fetchAudio(path) {
  if (!fetched.has(path)) fetched.set(path, await (await fetchApi(path)).blob());
  return fetched.get(path);
}

const practicePath = (job, query) => `v1/jobs/${job.id}/practice?${new URLSearchParams(query)}`;

/** The better sentence as the answer speaks it, else spoken anew: one or more recordings, to be played in turn. */
export async function betterSentence(job) {
  const parts = findWhole(job.practice.text, job.parts);
  const paths = parts.length ? parts.map(({ audio }) => audio) : [practicePath(job, {})];
  return Promise.all(paths.map(fetchAudio));
}

export const betterSentenceSlowly = async (job) => [await fetchAudio(practicePath(job, { speed: SLOW }))];
export const spokenWord = async (job, words) => [await fetchAudio(practicePath(job, { words, speed: SLOW }))];

/** The recording of a job: this browser's, else the server's while it keeps it. Throws ApiError where it does not. */
async function ownRecording(id) {
  const stored = await get("recordings", id);
  return stored ? stored.recording : fetchAudio(`v1/jobs/${id}/recording`);
}

/** The piece of a job's recording from `start` to `end` seconds. */
export async function ownClip(id, { start, end }) {
  return [await cutClip(await ownRecording(id), start, end)];
}

export const hasOwnRecording = async (id) => (await get("recordings", id)) !== undefined;

// Reads /metrics, in Prometheus' text format.

export const STAGES = ["asr", "llm", "tts"]; // in the order in which a job goes through them
const SAMPLE = /^(\w+)(?:\{(.*)\})? (\S+)/;
const LABEL = /(\w+)="((?:[^"\\]|\\.)*)"/g;

/** Each sample as {name, labels, value}. */
export function parseSamples(text) {
  const matches = text.split("\n").map((line) => SAMPLE.exec(line));
  return matches.filter(Boolean).map(([, name, labels, value]) => {
    const pairs = [...(labels ?? "").matchAll(LABEL)].map(([, key, text]) => [key, text]);
    return { name, labels: Object.fromEntries(pairs), value: Number(value) };
  });
}

/** The figures by their meaning; `seconds` per job of a stage is null until it was measured. */
export function parseFigures(text) {
  const samples = parseSamples(text);
  const matches = (labels, filter) => Object.entries(filter).every(([key, value]) => labels[key] === value);
  const find = (name, filter = {}) =>
    samples.find((sample) => sample.name === `waijiao_${name}` && matches(sample.labels, filter))?.value;
  const ended = samples.filter(({ name }) => name === "waijiao_jobs_ended_total");
  const disk = findFullestDisk(samples);
  const endedByState = Object.fromEntries(ended.map(({ labels, value }) => [labels.state, value]));
  return {
    accepted: find("jobs_accepted_total") ?? 0,
    unfinished: find("jobs_unfinished") ?? 0,
    webhooks: find("webhooks_waiting") ?? 0,
    ended: { succeeded: 0, failed: 0, canceled: 0, expired: 0, ...endedByState },
    disk,
    server: readServer(samples, disk),
    redisRefuses: samples.find(({ name, value }) => name === "waijiao_redis_refuses_writes" && value)?.labels.reason,
    stages: STAGES.map((stage) => ({
      stage,
      ready: find("workers", { stage, state: "ready" }) ?? 0,
      loading: find("workers", { stage, state: "loading" }) ?? 0,
      waiting: find("jobs_waiting", { stage }) ?? 0,
      seconds: find("stage_seconds", { stage }) ?? null,
    })),
  };
}

const DISK_STATES = ["enough", "low", "full"]; // from the best to the worst

/** The disk with the least room as {folder, state, free, needed}, both in bytes; null if the server shows none. */
function findFullestDisk(samples) {
  const find = (name, folder) => samples.find((sample) => sample.name === name && sample.labels.folder === folder).value;
  const states = samples.filter(({ name, value }) => name === "waijiao_disk_state" && value);
  const disks = states.map(({ labels: { folder, state } }) => {
    const [free, needed] = ["waijiao_disk_free_bytes", "waijiao_disk_needed_bytes"].map((name) => find(name, folder));
    return { folder, state, free, needed };
  });
  const rank = ({ state }) => DISK_STATES.indexOf(state);
  return disks.toSorted((a, b) => rank(b) - rank(a) || a.free - b.free)[0] ?? null;
}

/** What the server is and has: numbers are null, and lists empty, where it does not say. */
function readServer(samples, disk) {
  const all = (name) => samples.filter((sample) => sample.name === `waijiao_${name}`);
  const one = (name) => all(name)[0]?.value ?? null;
  const totals = all("gpu_bytes");
  return {
    version: all("info")[0]?.labels.version ?? null,
    retention: one("retention_seconds"),
    memory: one("memory_free_bytes"),
    disk,
    gpus: all("gpu_free_bytes").map(({ labels, value }) => ({
      name: labels.name,
      free: value,
      total: totals.find((other) => other.labels.gpu === labels.gpu)?.value ?? value,
    })),
    queues: all("queue_messages").map(({ labels, value }) => ({ queue: labels.queue, messages: value })),
  };
}

/** Jobs per minute of the stage's ready workers together; null while unknown. */
export const jobsPerMinute = ({ seconds, ready }) => (seconds ? (60 / seconds) * ready : null);

/** Seconds until the jobs that wait for the stage now are done; null while unknown. */
export const backlogSeconds = ({ seconds, ready, waiting }) => (seconds && ready ? (waiting * seconds) / ready : null);

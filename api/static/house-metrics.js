// Reads what /metrics says of the house, in the text form of Prometheus.

export const STAGES = ["asr", "llm", "tts"]; // in the order of the road
const SAMPLE = /^(\w+)(?:\{(.*)\})? (\S+)/;
const LABEL = /(\w+)="((?:[^"\\]|\\.)*)"/g;

/** Each sample as {name, labels, value}. */
export function samples(text) {
  const found = text.split("\n").map((line) => SAMPLE.exec(line)).filter(Boolean);
  return found.map(([, name, labels, value]) => ({ name, labels: Object.fromEntries([...(labels ?? "").matchAll(LABEL)].map(([, key, said]) => [key, said])), value: Number(value) }));
}

/** The figures by what they mean; `seconds` of a stage are null until it was measured. */
export function figures(text) {
  const all = samples(text);
  const of = (name, wanted = {}) => all.find((each) => each.name === `waijiao_${name}` && Object.entries(wanted).every(([key, value]) => each.labels[key] === value))?.value;
  const ended = all.filter(({ name }) => name === "waijiao_jobs_ended_total").map(({ labels, value }) => [labels.state, value]);
  return {
    accepted: of("jobs_accepted_total") ?? 0,
    unfinished: of("jobs_unfinished") ?? 0,
    webhooks: of("webhooks_waiting") ?? 0,
    ended: { succeeded: 0, failed: 0, canceled: 0, expired: 0, ...Object.fromEntries(ended) },
    stages: STAGES.map((stage) => ({
      stage,
      ready: of("workers", { stage, state: "ready" }) ?? 0,
      loading: of("workers", { stage, state: "loading" }) ?? 0,
      waiting: of("jobs_waiting", { stage }) ?? 0,
      seconds: of("stage_seconds", { stage }) ?? null,
    })),
  };
}

/** Jobs that the stage's ready workers do in a minute; null while nobody knows. */
export const perMinute = ({ seconds, ready }) => (seconds ? (60 / seconds) * ready : null);

/** Seconds until what waits for the stage now is done; null while nobody knows. */
export const backlog = ({ seconds, ready, waiting }) => (seconds && ready ? (waiting * seconds) / ready : null);

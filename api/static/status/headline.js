// One sentence about the state of the server, and what to do about it.

import { errorText, t } from "../i18n/index.js";
import { Unreachable } from "../shared/api.js";
import { formatBytes, formatNumber, formatSeconds } from "../shared/format.js";
import { backlogSeconds, jobsPerMinute } from "./prometheus.js";

const MAX_BACKLOG_S = 30; // of work waiting for a model; above it jobs are piling up

/** {kind, health: good | busy | bad, title, advice, commands}; a new `kind` is announced to screen readers. */
export function headline({ figures, error }) {
  if (error) return describeError(error);
  if (figures.redisRefuses) return describeRefusal(figures.redisRefuses);
  if (figures.disk?.state === "full") return describeFullDisk(figures.disk);
  return describeModels(figures) ?? describeLowDisk(figures.disk) ?? describeWork(figures);
}

/** What is wrong with a model's workers, or null. */
function describeModels(figures) {
  const withoutWorker = figures.stages.filter(({ ready, loading }) => !ready && !loading);
  if (withoutWorker.length) return describeMissing(withoutWorker);
  const stillLoading = figures.stages.filter(({ ready }) => !ready);
  if (stillLoading.length) return describeLoading(stillLoading);
  return null;
}

function describeWork(figures) {
  const [slowest] = figures.stages.toSorted((a, b) => (backlogSeconds(b) ?? 0) - (backlogSeconds(a) ?? 0));
  if ((backlogSeconds(slowest) ?? 0) > MAX_BACKLOG_S) return describeBacklog(slowest);
  const { unfinished, accepted } = figures;
  if (unfinished) return { kind: "working", health: "good", title: t("status_working", { n: unfinished }) };
  const advice = t(accepted ? "status_idle" : "status_empty");
  return { kind: "normal", health: "good", title: t("status_normal"), advice };
}

function describeError(error) {
  const kind = error instanceof Unreachable ? "unreachable" : error.code;
  if (error instanceof Unreachable) {
    const commands = ["waijiao up", "docker compose up --detach"];
    return { kind, health: "bad", title: t("status_unreachable"), advice: t("status_unreachable_help"), commands };
  }
  if (error.code === "unavailable") {
    return { kind, health: "bad", title: t("status_no_redis"), advice: t("status_no_redis_help") };
  }
  return { kind, health: "bad", title: t("status_error"), advice: errorText(error) };
}

function describeRefusal(reason) {
  const advice = t(`status_redis_refuses_${reason}`);
  return { kind: `redis ${reason}`, health: "bad", title: t("status_redis_refuses"), advice };
}

function describeFullDisk({ folder, free, needed }) {
  const key = free < needed ? "status_disk_full_help" : "status_disk_files_help";
  const advice = t(key, { folder, free: formatBytes(free), needed: formatBytes(needed) });
  return { kind: "disk full", health: "bad", title: t("status_disk_full"), advice };
}

function describeLowDisk(disk) {
  if (disk?.state !== "low") return null;
  const { folder, free, needed } = disk;
  const advice = t("status_disk_low_help", { folder, free: formatBytes(free), needed: formatBytes(needed) });
  return { kind: "disk low", health: "busy", title: t("status_disk_low"), advice };
}

const modelNames = (stages) => stages.map(({ stage }) => t(`status_model_${stage}`)).join(t("comma"));

function describeMissing(stages) {
  const services = stages.map(({ stage }) => `worker_${stage}`).join(" ");
  const commands = ["waijiao up", `docker compose up --detach ${services}`];
  const title = t("status_no_worker_for", { models: modelNames(stages) });
  return { kind: `missing ${services}`, health: "bad", title, advice: t("status_no_worker_help"), commands };
}

function describeLoading(stages) {
  const title = t("status_loading", { models: modelNames(stages) });
  return { kind: "loading", health: "busy", title, advice: t("status_loading_help") };
}

function describeBacklog(figures) {
  const { stage, ready, waiting } = figures;
  const model = t(`status_model_${stage}`);
  const commands = [
    `waijiao up --${stage} ${ready + 1}`,
    `docker compose up --detach --scale worker_${stage}=${ready + 1}`,
  ];
  const advice = t("status_backlog_help", { n: waiting, time: formatSeconds(backlogSeconds(figures)) });
  return { kind: `backlog ${stage}`, health: "busy", title: t("status_backlog", { model }), advice, commands };
}

/** The numbers behind the sentence, as texts. */
export function facts({ stages, unfinished, disk }) {
  const ready = stages.filter((stage) => stage.ready).length;
  const waiting = stages.reduce((sum, stage) => sum + stage.waiting, 0);
  const texts = [
    t("status_fact_ready", { n: ready, all: stages.length }),
    t("status_fact_waiting", { n: waiting }),
    t("status_fact_unfinished", { n: unfinished }),
  ];
  if (stages.every(jobsPerMinute)) {
    const [bottleneck] = stages.toSorted((a, b) => jobsPerMinute(a) - jobsPerMinute(b));
    const model = t(`status_model_${bottleneck.stage}`);
    texts.push(t("status_fact_jobs_per_minute", { n: formatNumber(jobsPerMinute(bottleneck)), model }));
  }
  if (disk) texts.push(t("status_fact_disk", { free: formatBytes(disk.free) }));
  return texts;
}

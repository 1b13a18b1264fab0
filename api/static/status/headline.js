// One sentence about the state of the server, and what to do about it.

import { errorText, t } from "../i18n/index.js";
import { Unreachable } from "../shared/api.js";
import { formatNumber, formatSeconds } from "../shared/format.js";
import { backlogSeconds, jobsPerMinute } from "./prometheus.js";

const MAX_BACKLOG_S = 30; // of work waiting for a model; above it jobs are piling up

/** {kind, health: good | busy | bad, title, advice, commands}; a new `kind` is announced to screen readers. */
export function headline({ figures, error }) {
  if (error) return describeError(error);
  const withoutWorker = figures.stages.filter(({ ready, loading }) => !ready && !loading);
  if (withoutWorker.length) return describeMissing(withoutWorker);
  const stillLoading = figures.stages.filter(({ ready }) => !ready);
  if (stillLoading.length) return describeLoading(stillLoading);
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
export function facts({ stages, unfinished }) {
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
  return texts;
}

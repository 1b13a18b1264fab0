// Says in one sentence how the house is, and what to do about it.

import { say, sayProblem } from "./i18n.js";
import { backlog, perMinute } from "./house-metrics.js";
import { sayNumber, saySeconds } from "./house-words.js";
import { Unreachable } from "./server.js";

const PILING_S = 30; // seconds of work waiting before a model from which on jobs count as piling up

/** {kind, look: good | busy | bad, title, advice, commands}; `kind` changes when there is something new to be told. */
export function headline({ house, trouble }) {
  if (trouble) return ofTrouble(trouble);
  const away = house.stages.filter(({ ready }) => !ready);
  if (away.length) return away.some(({ loading }) => !loading) ? missing(away.filter(({ loading }) => !loading)) : loading(away);
  const slowest = house.stages.toSorted((a, b) => (backlog(b) ?? 0) - (backlog(a) ?? 0))[0];
  if ((backlog(slowest) ?? 0) > PILING_S) return piling(slowest);
  if (house.unfinished) return { kind: "working", look: "good", title: say("house_working", { n: house.unfinished }) };
  return { kind: "well", look: "good", title: say("house_well"), advice: say(house.accepted ? "house_nothing_waits" : "house_empty") };
}

function ofTrouble(trouble) {
  if (trouble instanceof Unreachable) return { kind: "away", look: "bad", title: say("house_away"), advice: say("house_away_do"), commands: ["waijiao up", "docker compose up --detach"] };
  if (trouble.code === "unavailable") return { kind: "store", look: "bad", title: say("house_store"), advice: say("house_store_do") };
  return { kind: trouble.code, look: "bad", title: say("house_unknown"), advice: sayProblem(trouble) };
}

const names = (stages) => stages.map(({ stage }) => say(`house_the_${stage}`)).join(say("comma"));

function missing(stages) {
  const services = stages.map(({ stage }) => `worker_${stage}`).join(" ");
  const commands = ["waijiao up", `docker compose up --detach ${services}`];
  return { kind: `missing ${services}`, look: "bad", title: say("house_missing", { models: names(stages) }), advice: say("house_missing_do"), commands };
}

function loading(stages) {
  return { kind: "loading", look: "busy", title: say("house_loading", { models: names(stages) }), advice: say("house_loading_do") };
}

function piling({ stage, ready, waiting, seconds }) {
  const values = { model: say(`house_the_${stage}`), n: waiting, time: saySeconds(backlog({ ready, waiting, seconds })) };
  const commands = [`waijiao up --${stage} ${ready + 1}`, `docker compose up --detach --scale worker_${stage}=${ready + 1}`];
  return { kind: `piling ${stage}`, look: "busy", title: say("house_piling", values), advice: say("house_piling_do", values), commands };
}

/** The numbers behind the sentence. */
export function facts({ stages, unfinished }) {
  const ready = stages.filter((stage) => stage.ready).length;
  const waiting = stages.reduce((sum, stage) => sum + stage.waiting, 0);
  const told = [say("house_fact_ready", { n: ready, all: stages.length }), say("house_fact_waiting", { n: waiting }), say("house_fact_unfinished", { n: unfinished })];
  if (stages.every((stage) => perMinute(stage))) {
    const narrow = stages.toSorted((a, b) => perMinute(a) - perMinute(b))[0];
    told.push(say("house_fact_pace", { n: sayNumber(perMinute(narrow)), model: say(`house_the_${narrow.stage}`) }));
  }
  return told;
}

// The status page for administrators: overall health, queues, workers and their speed, failures, latest jobs.

import { languageEvents, t } from "../i18n/index.js";
import { $id, announce, element, icon, setIcon } from "../shared/dom.js";
import { formatNumber } from "../shared/format.js";
import { hasRole, startPage } from "../shared/layout.js";
import { Failures } from "./failures.js";
import { facts, headline } from "./headline.js";
import { StatusPoll } from "./poll.js";
import { RecentJobs } from "./recent_jobs.js";
import { serverItems } from "./server.js";
import { figureItem, StageCards } from "./stages.js";
import { formatTime, updateTimes } from "./time.js";

const HEALTH_ICONS = { good: "good", busy: "waiting", bad: "bad" };

$id("offline").dataset.t = "status_offline"; // the usual text is about recordings
const user = await startPage();
const poll = new StatusPoll();
const stageCards = new StageCards($id("stages"));
const recentJobs = new RecentJobs($id("recent-jobs"));
const failures = new Failures();
let announcedKind = null; // of the headline that was shown last
let failuresRequest = null;

poll.addEventListener("polled", () => {
  if (!poll.error) {
    stageCards.addSample(poll.at, poll.figures.stages);
    failuresRequest = failures.refresh(poll.figures);
  }
  show();
});
languageEvents.addEventListener("change", show);

function show() {
  const refused = poll.error?.status === 403 || !hasRole(user.role, "admin");
  $id("admins-only").hidden = !refused;
  for (const section of document.querySelectorAll(".status-section")) {
    section.hidden = refused || !(poll.figures || section.id === "overall");
  }
  if (refused) return;
  showHeadline();
  if (!poll.figures) return;
  stageCards.show(poll.figures, poll.models);
  showCounts(poll.figures);
  $id("server").replaceChildren(...serverItems(poll.figures.server));
  recentJobs.show(poll.jobs);
  failures.show(poll.jobs);
  $id("no-jobs").hidden = poll.jobs.length > 0;
  $id("jobs-table").hidden = !poll.jobs.length;
  updateTimes();
}

function showHeadline() {
  const { kind, health, title, advice, commands = [] } = headline(poll);
  $id("overall").dataset.health = health;
  setIcon($id("overall").querySelector(".icon"), HEALTH_ICONS[health]);
  $id("headline").textContent = title;
  $id("advice").textContent = advice ?? "";
  $id("commands").replaceChildren(...commands.map((command) => element("li", {}, element("code", {}, command))));
  const lines = poll.figures ? facts(poll.figures) : [];
  $id("facts").replaceChildren(...lines.map((line) => element("li", {}, line)));
  showUpdateTime();
  if (announcedKind !== null && announcedKind !== kind) announce(title);
  announcedKind = kind;
}

function showUpdateTime() {
  const isOutdated = Boolean(poll.error) && poll.at !== null;
  document.body.toggleAttribute("data-outdated", isOutdated);
  $id("updated-at").replaceChildren();
  if (poll.at === null) return;
  const text = t(isOutdated ? "status_outdated" : "status_updated_at", { time: formatTime(poll.at) });
  $id("updated-at").append(...[isOutdated && icon("waiting"), text].filter(Boolean));
}

function showCounts({ accepted, unfinished, ended, webhooks }) {
  const endStates = ["succeeded", "failed", "canceled", "expired"];
  $id("counts").replaceChildren(
    figureItem("accepted", t("status_accepted"), formatNumber(accepted)),
    figureItem("unfinished", t("status_unfinished"), formatNumber(unfinished)),
    ...endStates.map((state) => figureItem(state, t(`state_${state}`), formatNumber(ended[state]))),
    figureItem("webhooks", t("status_webhooks"), formatNumber(webhooks)),
  );
}

if (hasRole(user.role, "admin")) await poll.start();
else show();
await failuresRequest;
document.body.dataset.ready = "";

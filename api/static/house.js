// The engineer's page: how the house is, what waits, who works and how fast, what failed.

import { announce, by, element, icon, picture } from "./dom.js";
import { Failures } from "./house-failures.js";
import { facts, headline } from "./house-headline.js";
import { Newest } from "./house-newest.js";
import { Reading } from "./house-reading.js";
import { figure, Road } from "./house-road.js";
import { sayClock, sayNumber, tick } from "./house-words.js";
import { changes, say } from "./i18n.js";
import { begin, may } from "./shell.js";

by("lost").dataset.say = "house_lost"; // nothing is recorded here
const who = await begin();
const reading = new Reading();
const road = new Road(by("road"));
const newest = new Newest(by("newest"));
const failures = new Failures();
const LOOKS = { good: "good", busy: "waiting", bad: "bad" };
let told = null; // the kind of headline that was told last

let failed = null; // the latest look at failures

reading.addEventListener("read", () => {
  if (!reading.trouble) {
    road.sample(reading.at, reading.house.stages);
    failed = failures.look(reading.house);
  }
  show();
});
changes.addEventListener("change", show);

function show() {
  const refused = reading.trouble?.status === 403 || !may(who.role, "admin");
  by("refused").hidden = !refused;
  for (const part of document.querySelectorAll(".of-house")) part.hidden = refused || !(reading.house || part.id === "state");
  if (refused) return;
  showHeadline();
  if (!reading.house) return;
  road.show(reading.house, reading.models);
  showCounts(reading.house);
  newest.show(reading.newest);
  failures.show(reading.newest);
  by("no-jobs").hidden = reading.newest.length > 0;
  by("jobs-table").hidden = !reading.newest.length;
  tick();
}

function showHeadline() {
  const { kind, look, title, advice, commands = [] } = headline(reading);
  by("state").dataset.look = look;
  picture(by("state").querySelector(".icon"), LOOKS[look]);
  by("headline").textContent = title;
  by("advice").textContent = advice ?? "";
  by("commands").replaceChildren(...commands.map((command) => element("li", {}, element("code", {}, command))));
  by("facts").replaceChildren(...(reading.house ? facts(reading.house) : []).map((fact) => element("li", {}, fact)));
  const old = Boolean(reading.trouble) && reading.at !== null;
  document.body.toggleAttribute("data-old", old);
  by("read-at").replaceChildren(...(reading.at ? [old && icon("waiting"), say(old ? "house_old" : "house_read_at", { time: sayClock(reading.at) })].filter(Boolean) : []));
  if (told !== null && told !== kind) announce(title);
  told = kind;
}

function showCounts({ accepted, unfinished, ended, webhooks }) {
  by("counts").replaceChildren(
    figure("accepted", say("house_accepted"), sayNumber(accepted)),
    figure("unfinished", say("house_unfinished"), sayNumber(unfinished)),
    ...["succeeded", "failed", "canceled", "expired"].map((state) => figure(state, say(`state_${state}`), sayNumber(ended[state]))),
    figure("webhooks", say("house_webhooks"), sayNumber(webhooks)));
}

if (may(who.role, "admin")) await reading.begin();
else show();
await failed;
document.body.dataset.ready = "";

// The teacher's page for homework: it is set, handed in by the folder, answered, read and released, taken home.

import { readCapabilities } from "./capabilities.js";
import { eraseJob } from "./class-jobs.js";
import { by } from "./dom.js";
import { takeWhatIsDropped } from "./dropping.js";
import { Again } from "./homework-again.js";
import { eraseHomework, releaseAll } from "./homework-api.js";
import { Form } from "./homework-form.js";
import { HandingIn } from "./homework-handing.js";
import { Head } from "./homework-head.js";
import { List } from "./homework-list.js";
import { Homework } from "./homework-live.js";
import { Review } from "./homework-review.js";
import { Table } from "./homework-table.js";
import { complain, sayRefused, told } from "./homework-told.js";
import { changes, say } from "./i18n.js";
import { connection, read } from "./server.js";
import { begin, may } from "./shell.js";

const who = await begin();
const list = new List();
let open = null; // {homework, head, table}
let capabilities, form, review, again, handingIn;

// --- the place in the page: nothing, #/new, #ID, #ID/edit ----------------------------------------------------------

const place = () => location.hash.slice(1).split("/");

async function show() {
  const [id] = place();
  if (open?.homework.id !== id) {
    leave();
    if (id) enter(id);
  }
  list.show();
  if (id) await open.homework.look();
  if (place()[0] !== id) return; // somebody went on meanwhile
  if (place().length > 1 && (!id || open.homework.view)) { // what is not known yet cannot be changed
    form.open(open?.homework.view);
    by("form").dataset.at = location.hash;
  }
  by("form-back").href = `#${id}`;
  showParts();
}

/** Which of the page's parts are seen; on a phone, the list only where there is nothing else. */
function showParts() {
  const setting = place().length > 1 && by("form").dataset.at === location.hash;
  by("form").hidden = !setting;
  by("open").hidden = setting || !open?.homework.view;
  by("empty").hidden = setting || open !== null;
  by("desk").classList.toggle("at", by("empty").hidden);
  by("let-go").textContent = say(setting ? "homework_let_go_list" : open ? "homework_let_go" : "homework_let_go_none");
  handingIn.show();
}

function enter(id) {
  const homework = new Homework(id);
  open = { homework, head: new Head(homework, capabilities), table: new Table(homework, acts) };
  homework.addEventListener("changed", showOpen);
  homework.addEventListener("gone", () => homework === open?.homework && gone());
}

function leave() {
  open?.homework.close();
  open?.table.close();
  open = null;
  complain("");
}

function gone() {
  history.replaceState(null, "", location.pathname);
  show();
  by("gone").hidden = false;
}

function showOpen() {
  open.head.show();
  open.table.show();
  list.count(open.homework.view);
  showParts();
}

// --- what a teacher does ---------------------------------------------------------------------------------------------

const acts = {
  review: (row) => review.open(open.homework, row),
  again: (row) => again.open(open.homework, row),
  retry: (row) => after(read(row.job.links.retry, { method: "POST" })),
  drop: (row) => confirm(say("homework_drop_sure", { name: row.student })) && after(eraseJob({ id: row.submission.job })),
  handIn: (row) => handingIn.handIn(row.student),
};

/** Wait for what was asked, then look what became of it. */
async function after(asked) {
  const answer = await told(asked);
  await open?.homework.lookAnew();
  return answer;
}

async function releaseEverybody() {
  if (!confirm(say("homework_release_sure", { n: open.homework.held().length }))) return;
  const answer = await after(releaseAll(open.homework.id));
  if (answer) sayRefused(answer);
}

async function erase() {
  const { id, view } = open.homework;
  if (!confirm(say("homework_erase_sure", { name: view.title })) || !(await told(eraseHomework(id)))) return;
  location.hash = "";
  await list.look();
}

async function wasSet(id) {
  if (open?.homework.id === id) await open.homework.lookAnew();
  location.hash = id;
  await list.look();
}

async function takeDropped(transfer) {
  if (!by("form").hidden) await form.takeRoster(transfer.files[0]);
  else if (open?.homework.view) await handingIn.drop(transfer);
}

// --- begin -------------------------------------------------------------------------------------------------------

async function work() {
  capabilities = await readCapabilities();
  form = new Form(capabilities, wasSet);
  review = new Review(told);
  again = new Again(capabilities, told, sayRefused);
  handingIn = new HandingIn(capabilities, () => open?.homework);
  by("review-first").addEventListener("click", () => acts.review(open.homework.held()[0]));
  by("release-all").addEventListener("click", releaseEverybody);
  by("all-again").addEventListener("click", () => again.open(open.homework));
  by("erase").addEventListener("click", erase);
  takeWhatIsDropped(takeDropped);
  addEventListener("hashchange", goOn);
  changes.addEventListener("change", translate);
  document.addEventListener("visibilitychange", () => document.hidden || list.look());
  connection.addEventListener("found", () => list.look());
  document.querySelector(".skip").addEventListener("click", (event) => (event.preventDefault(), by("main").focus())); // the address names the homework
  by("desk").hidden = false;
  await Promise.all([list.look(), show()]);
}

async function goOn() {
  for (const each of document.querySelectorAll("dialog:not(#login)[open]")) each.close();
  by("gone").hidden = true;
  await show();
  if (!by("form").hidden) by("title").focus();
  else if (!by("open").hidden) by("open-name").focus();
}

function translate() {
  list.show();
  review.show();
  again.show();
  showParts();
  if (!open?.homework.view) return;
  open.table.translate();
  showOpen();
}

if (may(who.role, "teacher")) await work();
else by("not-yours").hidden = false;
document.body.dataset.ready = "";

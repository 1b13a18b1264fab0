// The page of classes: make one from a list, change it, and read what its pupils achieve.

import { languageEvents, t } from "../i18n/index.js";
import { connection } from "../shared/api.js";
import { $id, element, keepAddressOnSkip } from "../shared/dom.js";
import { acceptDrops } from "../shared/files.js";
import { hasRole, startPage } from "../shared/layout.js";
import { reportErrors, showError } from "../shared/notices.js";
import { changeClass, deleteClass, eraseLearner, fetchClass, fetchProgress, listClasses, tableUrl } from "./api.js";
import { ClassForm } from "./form.js";
import { ProgressTable } from "./table.js";

const user = await startPage();
const table = new ProgressTable();
let form;
let classes = [];
let current = null; // the class that is open, with its pupils
let progress = null;
let leaving = null; // the pupil who is to leave
let receipt = null;

/** The address as [id, "edit" or "new"]; "" for what is missing. */
function parseAddress() {
  const [id = "", mode = ""] = location.hash.slice(1).split("/");
  return [id, mode];
}

/** Read the class that the address names; whether it still names it. */
async function load() {
  const [id] = parseAddress();
  const loaded = id ? await reportErrors(Promise.all([fetchClass(id), fetchProgress(id)])) : null;
  if (parseAddress()[0] !== id) return false; // the user went elsewhere meanwhile
  [current, progress] = loaded ?? [null, null];
  return true;
}

async function show() {
  const [id, mode] = parseAddress();
  showError("");
  if (!(await load())) return;
  if (mode && (current || !id)) form.open(current);
  $id("form-cancel").href = `#${id}`;
  render();
}

function render() {
  const [id, mode] = parseAddress();
  const isEditing = Boolean(mode) && Boolean(current || !id);
  $id("form").hidden = !isEditing;
  $id("detail").hidden = isEditing || !current;
  $id("introduction").hidden = isEditing || current !== null;
  $id("workspace").classList.toggle("has-detail", isEditing || current !== null);
  $id("drop-hint").textContent = t(isEditing ? "homework_drop_roster" : "classes_drop_none");
  renderList();
  $id("receipt").hidden = !receipt;
  if (receipt) $id("receipt").textContent = t("ledger_receipt", receipt);
  if (current) renderDetail();
}

function renderList() {
  const link = ({ id, name, pupil_count }) =>
    element(
      "a",
      { href: `#${id}`, "aria-current": id === parseAddress()[0] },
      element("b", {}, name),
      element("small", {}, t("classes_pupils", { n: pupil_count })),
    );
  $id("list").replaceChildren(...classes.map((each) => element("li", {}, link(each))));
  $id("list-empty").hidden = classes.length > 0;
}

function renderDetail() {
  const { id, name, pupil_count } = current;
  $id("detail-title").textContent = name;
  const facts = [t("classes_pupils", { n: pupil_count }), t("classes_assignments", { n: progress.assignments.length })];
  $id("detail-facts").replaceChildren(...facts.map((fact) => element("li", {}, fact)));
  $id("edit").href = `#${id}/edit`;
  $id("table").href = tableUrl(id);
  table.show(progress);
}

async function refreshList() {
  classes = (await reportErrors(listClasses())) ?? classes;
  renderList();
}

async function showSaved(id) {
  location.hash = id;
  await Promise.all([refreshList(), show()]);
}

function askToLeave(pupil) {
  leaving = pupil;
  $id("leave-title").textContent = t("classes_leave", { name: pupil.label });
  $id("leave").showModal();
}

async function leave(mode) {
  if (!["remove", "erase"].includes(mode)) return;
  const isErasing = mode === "erase";
  const done = await reportErrors(isErasing ? eraseLearner(leaving.learner) : changeClass(current.id, { remove: [leaving.id] }));
  if (!done) return;
  receipt = isErasing ? done : null;
  form.forget(leaving.id);
  await Promise.all([refreshList(), load()]);
  render();
}

async function remove() {
  if (!confirm(t("classes_delete_confirm", { name: current.name }))) return;
  if (!(await reportErrors(deleteClass(current.id)))) return;
  location.hash = "";
  await refreshList();
}

async function start() {
  form = new ClassForm(showSaved, askToLeave);
  $id("delete").addEventListener("click", remove);
  $id("leave").addEventListener("close", ({ target }) => leave(target.returnValue));
  acceptDrops((transfer) => $id("form").hidden || form.importRoster(transfer.files[0]));
  addEventListener("hashchange", async () => {
    receipt = null;
    await show();
    if (!$id("form").hidden) form.fields.class_name.focus();
    else if (!$id("detail").hidden) $id("detail-title").focus();
  });
  languageEvents.addEventListener("change", () => {
    form.translate();
    render();
  });
  connection.addEventListener("connected", refreshList);
  keepAddressOnSkip();
  $id("workspace").hidden = false;
  await Promise.all([refreshList(), show()]);
}

if (hasRole(user.role, "teacher")) await start();
else $id("teachers-only").hidden = false;
document.body.dataset.ready = "";

// The homework page: create homework, hand in recordings by the folder, review and release answers, download them.

import { errorText, languageEvents, t } from "../i18n/index.js";
import { connection, fetchJson, readCapabilities } from "../shared/api.js";
import { $id, announce, keepAddressOnSkip } from "../shared/dom.js";
import { acceptDrops, chooseFile } from "../shared/files.js";
import { deleteJob } from "../shared/jobs.js";
import { hasRole, startPage } from "../shared/layout.js";
import { reportErrors, showError } from "../shared/notices.js";
import { deleteAssignment, releaseAll } from "./api.js";
import { Assignment } from "./assignment.js";
import { Form } from "./form.js";
import { AssignmentList } from "./list.js";
import { RerunDialog } from "./rerun.js";
import { ReviewDialog } from "./review.js";
import { startSchoolMenu } from "./school.js";
import { Summary } from "./summary.js";
import { Table } from "./table.js";
import { UploadPanel } from "./upload_panel.js";

const user = await startPage();
const list = new AssignmentList();
let current = null; // {assignment, summary, table}
let capabilities, form, reviewDialog, rerunDialog, uploadPanel;

// --- what the address shows: nothing, #/new, #ID, #ID/edit ---------------------------------------------------------

/** The address as [id, "edit" or "new"]; "" for what is missing. */
function parseAddress() {
  const [id = "", mode = ""] = location.hash.slice(1).split("/");
  return [id, mode];
}

async function show() {
  const [id, mode] = parseAddress();
  if (current?.assignment.id !== id) {
    closeAssignment();
    if (id) openAssignment(id);
  }
  list.show();
  if (id) await current.assignment.refresh();
  if (parseAddress()[0] !== id) return; // the user went elsewhere meanwhile
  const canEdit = !id || current.assignment.data; // what is not loaded cannot be edited
  if (mode && canEdit) {
    form.open(current?.assignment.data);
    $id("form").dataset.address = location.hash;
  }
  $id("form-cancel").href = `#${id}`;
  showSections();
}

/** Show the form, the open homework or the introduction; on a phone the list only when neither of the first two is. */
function showSections() {
  const isEditing = Boolean(parseAddress()[1]) && $id("form").dataset.address === location.hash;
  $id("form").hidden = !isEditing;
  $id("detail").hidden = isEditing || !current?.assignment.data;
  $id("introduction").hidden = isEditing || current !== null;
  $id("workspace").classList.toggle("has-detail", $id("introduction").hidden);
  const hint = isEditing ? "homework_drop_roster" : current ? "homework_drop_hand_in" : "homework_drop_none";
  $id("drop-hint").textContent = t(hint);
  uploadPanel.show();
}

function openAssignment(id) {
  const assignment = new Assignment(id);
  current = { assignment, summary: new Summary(assignment, capabilities), table: new Table(assignment, rowActions) };
  assignment.addEventListener("changed", showCurrent);
  assignment.addEventListener("notfound", () => assignment === current?.assignment && showNotFound());
}

function closeAssignment() {
  current?.assignment.close();
  current?.table.close();
  current = null;
  showError("");
}

function showNotFound() {
  history.replaceState(null, "", location.pathname);
  show();
  $id("not-found").hidden = false;
}

function showCurrent() {
  current.summary.show();
  current.table.show();
  list.showProgress(current.assignment.data);
  showSections();
}

// --- actions ---------------------------------------------------------------------------------------------------------

const rowActions = {
  review: (row) => reviewDialog.open(current.assignment, row),
  rerun: (row) => rerunDialog.open(current.assignment, row),
  retry: (row) => reportAndRefresh(fetchJson(row.job.links.retry, { method: "POST" })),
  remove: (row) =>
    confirm(t("homework_delete_one_confirm", { name: row.student })) &&
    reportAndRefresh(deleteJob({ id: row.submission.job })),
  async handIn({ student }) {
    const file = await chooseFile();
    if (file) await uploadPanel.handIn(file, student);
  },
};

/** Await a request, show its error, then show what it changed; its result, or null. */
async function reportAndRefresh(request) {
  const result = await reportErrors(request);
  await current?.assignment.refreshAfterChange();
  return result;
}

async function releaseEveryAnswer() {
  const n = current.assignment.heldRows().length;
  if (!confirm(t("homework_release_confirm", { n }))) return;
  const result = await reportAndRefresh(releaseAll(current.assignment.id));
  if (result) reportRefused(result);
}

/** Report the result of a request about a whole class: how many answers are made, and which cannot be. */
function reportRefused({ jobs, refused }) {
  announce(t("homework_started_n", { n: jobs.length }));
  const names = refused.map((entry) => `${entry.student}: ${errorText(entry)}`).join(" ");
  if (refused.length) showError(t("homework_not_started_n", { n: refused.length, names }));
}

async function erase() {
  const { id, data } = current.assignment;
  if (!confirm(t("homework_delete_confirm", { name: data.title }))) return;
  if (!(await reportErrors(deleteAssignment(id)))) return;
  location.hash = "";
  await list.refresh();
}

async function showSaved(id) {
  if (current?.assignment.id === id) await current.assignment.refreshAfterChange();
  location.hash = id;
  await list.refresh();
}

async function handleDrop(transfer) {
  if (!$id("form").hidden) await form.importRoster(transfer.files[0]);
  else if (current?.assignment.data) await uploadPanel.handInDrop(transfer);
}

// --- start -------------------------------------------------------------------------------------------------------

async function start() {
  capabilities = await readCapabilities();
  form = new Form(capabilities, showSaved);
  reviewDialog = new ReviewDialog();
  rerunDialog = new RerunDialog(capabilities, reportRefused);
  uploadPanel = new UploadPanel(capabilities, () => current?.assignment);
  $id("review-first").addEventListener("click", () => rowActions.review(current.assignment.heldRows()[0]));
  $id("release-all").addEventListener("click", releaseEveryAnswer);
  $id("rerun-all").addEventListener("click", () => rerunDialog.open(current.assignment));
  $id("erase").addEventListener("click", erase);
  startSchoolMenu(() => current.assignment.id);
  acceptDrops(handleDrop);
  addEventListener("hashchange", handleAddressChange);
  languageEvents.addEventListener("change", translate);
  document.addEventListener("visibilitychange", () => document.hidden || list.refresh());
  connection.addEventListener("connected", () => list.refresh());
  keepAddressOnSkip();
  $id("workspace").hidden = false;
  await Promise.all([list.refresh(), show()]);
}

async function handleAddressChange() {
  for (const dialog of document.querySelectorAll("dialog:not(#login)[open]")) dialog.close();
  $id("not-found").hidden = true;
  await show();
  if (!$id("form").hidden) $id("title").focus();
  else if (!$id("detail").hidden) $id("detail-title").focus();
}

function translate() {
  list.show();
  reviewDialog.translate();
  rerunDialog.translate();
  showSections();
  if (!current?.assignment.data) return;
  current.table.translate();
  showCurrent();
}

if (hasRole(user.role, "teacher")) await start();
else $id("teachers-only").hidden = false;
document.body.dataset.ready = "";

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
import { Summary } from "./summary.js";
import { Table } from "./table.js";
import { UploadPanel } from "./upload_panel.js";

const user = await startPage();
const list = new AssignmentList();
let open = null; // {assignment, summary, table}
let capabilities, form, reviewDialog, rerunDialog, uploadPanel;

// --- what the address shows: nothing, #/new, #ID, #ID/edit ---------------------------------------------------------

/** The address as [id, "edit" or "new"]; "" for what is missing. */
function parseAddress() {
  const [id = "", mode = ""] = location.hash.slice(1).split("/");
  return [id, mode];
}

async function show() {
  const [id, mode] = parseAddress();
  if (open?.assignment.id !== id) {
    closeAssignment();
    if (id) openAssignment(id);
  }
  list.show();
  if (id) await open.assignment.refresh();
  if (parseAddress()[0] !== id) return; // the user went elsewhere meanwhile
  const canEdit = !id || open.assignment.data; // what is not loaded cannot be edited
  if (mode && canEdit) {
    form.open(open?.assignment.data);
    $id("form").dataset.address = location.hash;
  }
  $id("form-cancel").href = `#${id}`;
  showSections();
}

/** Show the form, the open homework or the introduction; on a phone the list only when neither of the first two is. */
function showSections() {
  const isEditing = Boolean(parseAddress()[1]) && $id("form").dataset.address === location.hash;
  $id("form").hidden = !isEditing;
  $id("detail").hidden = isEditing || !open?.assignment.data;
  $id("introduction").hidden = isEditing || open !== null;
  $id("workspace").classList.toggle("has-detail", $id("introduction").hidden);
  const hint = isEditing ? "homework_drop_roster" : open ? "homework_drop_hand_in" : "homework_drop_none";
  $id("drop-hint").textContent = t(hint);
  uploadPanel.show();
}

function openAssignment(id) {
  const assignment = new Assignment(id);
  open = { assignment, summary: new Summary(assignment, capabilities), table: new Table(assignment, rowActions) };
  assignment.addEventListener("changed", showOpen);
  assignment.addEventListener("gone", () => assignment === open?.assignment && showNotFound());
}

function closeAssignment() {
  open?.assignment.close();
  open?.table.close();
  open = null;
  showError("");
}

function showNotFound() {
  history.replaceState(null, "", location.pathname);
  show();
  $id("not-found").hidden = false;
}

function showOpen() {
  open.summary.show();
  open.table.show();
  list.showProgress(open.assignment.data);
  showSections();
}

// --- actions ---------------------------------------------------------------------------------------------------------

const rowActions = {
  review: (row) => reviewDialog.open(open.assignment, row),
  rerun: (row) => rerunDialog.open(open.assignment, row),
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
  await open?.assignment.refreshAfterChange();
  return result;
}

async function releaseEveryAnswer() {
  const n = open.assignment.heldRows().length;
  if (!confirm(t("homework_release_confirm", { n }))) return;
  const result = await reportAndRefresh(releaseAll(open.assignment.id));
  if (result) reportRefused(result);
}

/** Tell what a request for a whole class did, and what it could not do. */
function reportRefused({ jobs, refused }) {
  announce(t("homework_started_n", { n: jobs.length }));
  const names = refused.map((entry) => `${entry.student}: ${errorText(entry)}`).join(" ");
  if (refused.length) showError(t("homework_not_started_n", { n: refused.length, names }));
}

async function erase() {
  const { id, data } = open.assignment;
  if (!confirm(t("homework_delete_confirm", { name: data.title }))) return;
  if (!(await reportErrors(deleteAssignment(id)))) return;
  location.hash = "";
  await list.refresh();
}

async function showSaved(id) {
  if (open?.assignment.id === id) await open.assignment.refreshAfterChange();
  location.hash = id;
  await list.refresh();
}

async function handleDrop(transfer) {
  if (!$id("form").hidden) await form.importRoster(transfer.files[0]);
  else if (open?.assignment.data) await uploadPanel.handInDrop(transfer);
}

// --- start -------------------------------------------------------------------------------------------------------

async function start() {
  capabilities = await readCapabilities();
  form = new Form(capabilities, showSaved);
  reviewDialog = new ReviewDialog();
  rerunDialog = new RerunDialog(capabilities, reportRefused);
  uploadPanel = new UploadPanel(capabilities, () => open?.assignment);
  $id("review-first").addEventListener("click", () => rowActions.review(open.assignment.heldRows()[0]));
  $id("release-all").addEventListener("click", releaseEveryAnswer);
  $id("rerun-all").addEventListener("click", () => rerunDialog.open(open.assignment));
  $id("erase").addEventListener("click", erase);
  acceptDrops(handleDrop);
  addEventListener("hashchange", handleAddressChange);
  languageEvents.addEventListener("change", translate);
  document.addEventListener("visibilitychange", () => document.hidden || list.refresh());
  connection.addEventListener("found", () => list.refresh());
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
  if (!open?.assignment.data) return;
  open.table.translate();
  showOpen();
}

if (hasRole(user.role, "teacher")) await start();
else $id("teachers-only").hidden = false;
document.body.dataset.ready = "";

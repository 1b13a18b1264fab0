// Back into a school's system: the answers as its feedback files, and its grading sheet filled in.

import { joinNames, t } from "../i18n/index.js";
import { $id } from "../shared/dom.js";
import { chooseFile, saveFile } from "../shared/files.js";
import { reportErrors } from "../shared/notices.js";
import { fetchExport, fillSheet } from "./api.js";

const SHEET_TYPES = ".csv,.txt,text/csv,text/plain"; // a spreadsheet may save CSV as .txt

/** Let the menu work for the homework whose id `openId` returns. */
export function startSchoolMenu(openId) {
  const menu = $id("school");
  const onClick = (id, action) =>
    $id(id).addEventListener("click", () => {
      menu.open = false;
      showResult("");
      action(openId());
    });
  onClick("zip-moodle", (id) => saveZip(id, "moodle"));
  onClick("zip-canvas", (id) => saveZip(id, "canvas"));
  onClick("fill-sheet", saveSheet);
  menu.addEventListener("focusout", ({ relatedTarget }) => (menu.open &&= !relatedTarget || menu.contains(relatedTarget)));
  menu.addEventListener("keydown", ({ key }) => key === "Escape" && (menu.open = false));
  addEventListener("pointerdown", ({ target }) => (menu.open &&= menu.contains(target)));
  addEventListener("hashchange", () => showResult(""));
}

async function saveZip(id, system) {
  const blob = await reportErrors(fetchExport(id, system));
  if (blob) saveFile(blob, `${id}-${system}.zip`);
}

/** Save the school's sheet with the answers, and show in how many rows they are, and in which they are not. */
async function saveSheet(id) {
  const file = await chooseFile(SHEET_TYPES);
  const sheet = file && (await reportErrors(fillSheet(id, file)));
  if (!sheet) return;
  const bytes = Uint8Array.from(atob(sheet.content), (character) => character.charCodeAt(0));
  saveFile(new Blob([bytes], { type: "text/csv" }), file.name.replace(/(\.[^.]*)?$/, "-filled$1"));
  const { entered, occupied, not_found } = sheet;
  const parts = [
    t("homework_sheet_entered", { n: entered.length }),
    occupied.length > 0 && t("homework_sheet_occupied", { names: joinNames(occupied) }),
    not_found.length > 0 && t("homework_sheet_not_found", { names: joinNames(not_found) }),
  ];
  showResult(parts.filter(Boolean).join(" "));
}

function showResult(text) {
  $id("sheet-result").textContent = text;
  $id("sheet-result").hidden = !text;
}

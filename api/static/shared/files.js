// Files that are chosen, or dropped on the page.

import { $id, element } from "./dom.js";

const SAVE_S = 60; // until the browser has certainly read what it saves

/** Call `handleDrop` with the DataTransfer of each drop. #drop-overlay tells meanwhile what a drop will do. */
export function acceptDrops(handleDrop) {
  const overlay = $id("drop-overlay");
  const on = (name, listener) =>
    addEventListener(name, (event) => {
      if (!event.dataTransfer?.types.includes("Files")) return;
      event.preventDefault(); // else the browser would open the file
      listener(event);
    });
  on("dragover", () => (overlay.hidden = false));
  on("dragleave", ({ relatedTarget }) => (overlay.hidden = relatedTarget === null || overlay.hidden));
  on("drop", ({ dataTransfer }) => {
    overlay.hidden = true;
    handleDrop(dataTransfer);
  });
}

/** The files of an <input>, as {file, path}; `path` is relative to the folder that was chosen. */
export function filesOfInput(input) {
  const pathOf = (file) => file.webkitRelativePath.split("/").slice(1).join("/") || file.name;
  return [...input.files].map((file) => ({ file, path: pathOf(file) }));
}

/** The files that were dropped, and those in the folders that were, as {file, path}. */
export async function filesOfDrop(transfer) {
  const entries = [...transfer.items].map((item) => item.webkitGetAsEntry?.()); // gone as soon as the event is over
  const files = [...transfer.files].map((file) => ({ file, path: file.name }));
  if (!entries.some((entry) => entry?.isDirectory)) return files;
  return (await Promise.all(entries.filter(Boolean).map((entry) => filesOfEntry(entry, "")))).flat();
}

/** All files in a file or folder; the names of folders inside it become part of the path. */
async function filesOfEntry(entry, path) {
  if (entry.isFile) {
    const file = await new Promise((resolve, reject) => entry.file(resolve, reject));
    return [{ file, path: path + entry.name }];
  }
  const reader = entry.createReader();
  const entries = [];
  for (let some = null; !some || some.length; entries.push(...some)) {
    some = await new Promise((resolve, reject) => reader.readEntries(resolve, reject));
  }
  const pathOf = (child) => (child.isDirectory ? `${path}${child.name}/` : path);
  return (await Promise.all(entries.map((child) => filesOfEntry(child, pathOf(child))))).flat();
}

/** Let the user choose one file, by default of the types that #files takes; null when none was chosen. */
export function chooseFile(accept = $id("files").accept) {
  const input = element("input", { type: "file", accept });
  return new Promise((resolve) => {
    input.addEventListener("change", () => resolve(input.files[0]));
    input.addEventListener("cancel", () => resolve(null));
    input.click();
  });
}

/** Save a blob as a download of this name. */
export function saveFile(blob, name) {
  const href = URL.createObjectURL(blob);
  element("a", { href, download: name }).click();
  setTimeout(() => URL.revokeObjectURL(href), SAVE_S * 1000);
}

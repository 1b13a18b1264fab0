// Files that are dragged over the page and let go.

import { by } from "./dom.js";

/** `take` is given the DataTransfer of what is dropped anywhere on the page; meanwhile #drop says what will happen. */
export function takeWhatIsDropped(take) {
  const on = (name, told) =>
    addEventListener(name, (event) => {
      if (!event.dataTransfer?.types.includes("Files")) return;
      event.preventDefault(); // else the browser would open the file
      told(event);
    });
  on("dragover", () => (by("drop").hidden = false));
  on("dragleave", ({ relatedTarget }) => (by("drop").hidden = relatedTarget === null || by("drop").hidden));
  on("drop", ({ dataTransfer }) => {
    by("drop").hidden = true;
    take(dataTransfer);
  });
}

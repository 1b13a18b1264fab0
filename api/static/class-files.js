// The recordings that a teacher chooses: files, folders, or what is dropped. What cannot be sent is named and left out.

const RECORDING = /\.(wav|mp3|m4a|mp4|aac|ogg|oga|opus|webm|flac)$/i; // what the API reads

/** The files of an <input>, as {file, path}; `path` is below the folder that was chosen. */
export const picked = (input) => [...input.files].map((file) => ({ file, path: file.webkitRelativePath.split("/").slice(1).join("/") || file.name }));

/** The files that were dropped, and those in the folders that were, as {file, path}. */
export async function dropped(transfer) {
  const entries = [...transfer.items].map((item) => item.webkitGetAsEntry?.()); // gone as soon as the event is over
  const files = [...transfer.files].map((file) => ({ file, path: file.name }));
  if (!entries.some((entry) => entry?.isDirectory)) return files;
  return (await Promise.all(entries.filter(Boolean).map((entry) => within(entry, "")))).flat();
}

/** All files in a file or folder; the names of folders inside it become part of the path. */
async function within(entry, path) {
  if (entry.isFile) return [{ file: await new Promise((resolve, reject) => entry.file(resolve, reject)), path: path + entry.name }];
  const reader = entry.createReader();
  const entries = [];
  for (let some = null; !some || some.length; entries.push(...some)) some = await new Promise((resolve, reject) => reader.readEntries(resolve, reject));
  return (await Promise.all(entries.map((each) => within(each, each.isDirectory ? `${path}${each.name}/` : path)))).flat();
}

export class Chosen {
  files = new Map(); // the name it has in the class -> file
  left = []; // {key, values}: words that say what was left out, and why

  constructor({ upload_mb }) {
    this.mb = upload_mb;
  }

  get bytes() {
    return [...this.files.values()].reduce((sum, { size }) => sum + size, 0);
  }

  /** Add those that can be sent. A file never stops the others. */
  add(found) {
    this.left = [];
    for (const { file, path } of found) {
      const name = nameOf(path);
      const key = this.#fault(file, name);
      if (key) this.left.push({ key, values: { name, mb: this.mb } });
      else this.files.set(this.#free(name), file);
    }
  }

  remove(name) {
    this.files.delete(name);
  }

  clear() {
    this.files.clear();
    this.left = [];
  }

  #fault(file, name) {
    if (!file.type.startsWith("audio/") && !RECORDING.test(file.name)) return "class_no_recording";
    if (!file.size) return "class_empty";
    if (file.size > this.mb * 1e6) return "class_too_large";
    const same = (other) => other.size === file.size && other.lastModified === file.lastModified && other.name === file.name;
    return this.files.has(name) && same(this.files.get(name)) ? "class_twice" : null;
  }

  /** Another recording may have the same name, from another folder. */
  #free(name) {
    const [, stem, ending] = name.match(/^(.+?)(\.[^.]*)?$/s);
    let free = name;
    for (let number = 2; this.files.has(free); number += 1) free = `${stem} (${number})${ending ?? ""}`;
    return free;
  }
}

const LONGEST = 200; // characters of a name; the API takes 512 of them as metadata

/** A folder inside the chosen one is often a learner's name: it becomes part of the answer's. */
function nameOf(path) {
  return [...path.split("/").join(" - ")].slice(-LONGEST).join("");
}

/** A conversation of its own for each recording; the number keeps those with similar names apart. */
export function sessionOf(batch, name, number) {
  const stem = [...name.replace(/\.[^.]*$/, "").replace(/[\s/\\\x00-\x1f\x7f]+/g, " ").trim()].slice(0, 40).join("");
  return `${stem || "recording"}-${batch.slice(0, 8)}-${number}`;
}

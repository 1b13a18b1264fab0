// The recordings that a teacher has chosen for a batch. Files that cannot be sent are skipped, with a reason.

// The endings of what the API reads, as in pipeline/homework/filenames.py.
const AUDIO_FILE =
  /\.(wave?|w64|aif[cf]?|au|caf|amr|awb|mp[34]|m4[abv]|mov|3g[p2]|aac|og[ga]|opus|web[ma]|mk[va]|flac)\s*$/i;
const MAX_NAME_CHARS = 200; // the API takes 512 as metadata
const MAX_STEM_CHARS = 40;

export class FileSelection {
  files = new Map(); // name in the batch -> file
  skipped = []; // {key, values}: arguments of t() that say what was skipped, and why

  constructor({ upload_mb }) {
    this.maxMb = upload_mb;
  }

  get bytes() {
    return [...this.files.values()].reduce((sum, { size }) => sum + size, 0);
  }

  /** Add files, {file, path}; those that cannot be sent do not stop the others. */
  add(files) {
    this.skipped = [];
    for (const { file, path } of files) {
      const name = nameOf(path);
      const key = this.#problem(file, name);
      if (key) this.skipped.push({ key, values: { name, mb: this.maxMb } });
      else this.files.set(this.#uniqueName(name), file);
    }
  }

  remove(name) {
    this.files.delete(name);
  }

  clear() {
    this.files.clear();
    this.skipped = [];
  }

  #problem(file, name) {
    if (!file.type.startsWith("audio/") && !AUDIO_FILE.test(file.name)) return "batch_skipped_type";
    if (!file.size) return "batch_skipped_empty";
    if (file.size > this.maxMb * 1e6) return "batch_skipped_large";
    const isSame = (other) => ["size", "lastModified", "name"].every((field) => other[field] === file[field]);
    return this.files.has(name) && isSame(this.files.get(name)) ? "batch_skipped_duplicate" : null;
  }

  /** Another recording may have the same name, from another folder. */
  #uniqueName(name) {
    const [, stem, suffix] = name.match(/^(.+?)(\.[^.]*)?$/s);
    let unique = name;
    for (let number = 2; this.files.has(unique); number += 1) unique = `${stem} (${number})${suffix ?? ""}`;
    return unique;
  }
}

/** A folder inside the chosen one is often named after a learner: it becomes part of the name. */
function nameOf(path) {
  return [...path.split("/").join(" - ")].slice(-MAX_NAME_CHARS).join("");
}

/** A session of its own for each recording; the number tells apart those with similar names. */
export function sessionOf(batch, name, number) {
  const stem = name.replace(/\.[^.]*$/, "").replace(/[\s/\\\x00-\x1f\x7f]+/g, " ");
  const short = [...stem.trim()].slice(0, MAX_STEM_CHARS).join("");
  return `${short || "recording"}-${batch.slice(0, 8)}-${number}`;
}

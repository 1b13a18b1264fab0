// Sends what is handed in, a few files at a time, and knows what became of each.

import { connection, Problem, Unreachable } from "./server.js";
import { upload } from "./uploading.js";

const AT_ONCE = 10; // files of one request
const BYTES = 100e6; // bytes of one request, unless one file alone has more
const CLUTTER = /(^|\/)([.~]|__MACOSX\/|thumbs\.db$|desktop\.ini$)/i; // what systems leave beside files

/**
 *  Events: "changed"; "taken" when the server has taken some. `found` are files as {file, path}; `student` says whose they are, where their names do not;
 *  `results` are those of files that were sent before. */
export class Sending extends EventTarget {
  results; // {kind: accepted, unchanged, refused, or replaced by a later file of the student; file, student, code, detail, blob}
  sent = 0; // bytes
  done = false;
  #stop = new AbortController();

  constructor(path, found, { student = "", upload_mb, results = [] }) {
    super();
    Object.assign(this, { path, student, upload_mb, results });
    this.files = found.filter((each) => !CLUTTER.test(each.path)).sort((one, other) => one.path.localeCompare(other.path, undefined, { numeric: true }));
    this.bytes = sum(this.files);
  }

  /** Send all of them; what is refused stops nothing. */
  async run() {
    const fits = ({ file, path }) => path.toLowerCase().endsWith(".zip") || file.size <= this.upload_mb * 1e6;
    for (const each of this.files.filter((each) => !fits(each))) this.#refuse(each, { code: "too_large", detail: "" });
    for (const group of groups(this.files.filter(fits))) if (!this.stopped) await this.#send(group);
    this.done = true;
    this.#changed();
  }

  stop() {
    this.#stop.abort();
  }

  /** The part that is sent, 0 to 1. */
  get part() {
    return this.sent / (this.bytes || 1);
  }

  get stopped() {
    return this.#stop.signal.aborted;
  }

  /** A request that is refused as a whole is sent again file by file, so that only the bad one is left out. */
  async #send(group) {
    const before = this.sent;
    try {
      this.#take(await this.#untilAnswered(group, before), group);
    } catch (error) {
      if (!(error instanceof Problem)) throw error;
      this.sent = before;
      if (group.length === 1) this.#refuse(group[0], error);
      else for (const each of group) if (!this.stopped) await this.#send([each]);
    }
    this.sent = Math.min(this.bytes, before + sum(group));
    this.#changed();
  }

  /** What the server says of these files: they are sent again as often as it is away or full; it knows them by their content. */
  async #untilAnswered(group, before) {
    while (!this.stopped) {
      try {
        return await this.#post(group, before);
      } catch (error) {
        if (error instanceof Unreachable) await found();
        else if (error.retryable) await new Promise((resolve) => setTimeout(resolve, error.retryAfter * 1000));
        else throw error;
      }
    }
    return null;
  }

  #post(group, before) {
    const form = new FormData();
    for (const { file, path } of group) form.append("file", file, path);
    if (this.student) form.append("student", this.student);
    const progress = (part) => {
      this.sent = before + sum(group) * part;
      this.#changed();
    };
    return upload(this.path, form, progress, this.#stop.signal);
  }

  #take(answer, group) {
    const blobs = new Map(group.map(({ file, path }) => [path.normalize("NFC"), file])); // as the server shows names
    for (const kind of ["accepted", "unchanged", "refused"]) {
      for (const each of answer?.[kind] ?? []) this.results.push({ kind, ...each, blob: blobs.get(each.file) });
    }
    const taken = this.results.filter(({ kind }) => kind !== "refused");
    const last = new Map(taken.map((each) => [each.student, each]));
    for (const each of taken) if (last.get(each.student) !== each) each.kind = "replaced"; // in another request: else the server says so
    this.dispatchEvent(new Event("taken"));
  }

  #refuse({ file, path }, { code, detail }) {
    this.results.push({ kind: "refused", file: path, student: null, code, detail, blob: file });
    this.#changed();
  }

  #changed() {
    this.dispatchEvent(new Event("changed"));
  }
}

const sum = (files) => files.reduce((all, { file }) => all + file.size, 0);
const found = () => new Promise((resolve) => connection.addEventListener("found", resolve, { once: true }));

/** The files as groups, each of which one request sends. */
function groups(files) {
  const made = [];
  for (const each of files) {
    const last = made.at(-1);
    if (last && last.length < AT_ONCE && sum(last) + each.file.size <= BYTES) last.push(each);
    else made.push([each]);
  }
  return made;
}

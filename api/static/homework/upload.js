// Uploads recordings that are handed in, a few files per request, and knows the result for each file.

import { ApiError, connection, GATEWAY_ERRORS, Unreachable } from "../shared/api.js";

const MAX_REQUEST_FILES = 10;
const MAX_REQUEST_BYTES = 100e6; // unless a single file is larger, or the server takes less
const MB = 1e6;
const SYSTEM_FILE = /(^|\/)([.~]|__MACOSX\/|thumbs\.db$|desktop\.ini$)/i; // what operating systems add to folders
const STALL_TIMEOUT_S = 60; // without progress, after which the connection counts as lost
const UNAUTHORIZED = 401;

/** Events: "changed"; "answered" when the server has answered a request. */
export class UploadQueue extends EventTarget {
  results; // {kind, file, student, code, detail, reason, mb, blob}; kind: accepted, unchanged, refused, replaced (by a later file)
  sent = 0; // bytes
  done = false;
  #abort = new AbortController();

  /**
   * `files` are {file, path}; `limits` are the server's; `student` owns them all if it is given; `results` are those of
   * earlier uploads.
   */
  constructor(url, files, { limits, student = "", results = [] }) {
    super();
    Object.assign(this, { url, limits, student, results });
    const byPath = (a, b) => a.path.localeCompare(b.path, undefined, { numeric: true });
    this.files = files.filter(({ path }) => !SYSTEM_FILE.test(path)).sort(byPath);
    this.bytes = sumBytes(this.files);
  }

  /** Send all files; one that is refused does not stop the others. */
  async run() {
    const { upload_mb, hand_in_mb = Infinity } = this.limits; // an older version does not name hand_in_mb
    const isZip = ({ path }) => path.toLowerCase().endsWith(".zip");
    const mostMb = (entry) => (isZip(entry) ? hand_in_mb : upload_mb);
    const fits = (entry) => entry.file.size <= mostMb(entry) * MB;
    for (const entry of this.files) {
      const reason = isZip(entry) ? "homework_zip_too_large" : "homework_recording_too_large";
      if (!fits(entry)) this.#refuse(entry, { code: "too_large", reason, mb: mostMb(entry) });
    }
    const groups = groupFiles(this.files.filter(fits), Math.min(MAX_REQUEST_BYTES, hand_in_mb * MB));
    for (const group of groups) if (!this.stopped) await this.#send(group);
    this.done = true;
    this.#emitChanged();
  }

  stop() {
    this.#abort.abort();
  }

  /** The fraction that is sent, 0 to 1. */
  get fraction() {
    return this.sent / (this.bytes || 1);
  }

  get stopped() {
    return this.#abort.signal.aborted;
  }

  /** A request that is refused as a whole is sent again file by file, so that only the bad file is left out. */
  async #send(group) {
    const before = this.sent;
    try {
      this.#addResults(await this.#postUntilAnswered(group, before), group);
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      this.sent = before;
      if (group.length === 1) this.#refuse(group[0], error);
      else for (const entry of group) if (!this.stopped) await this.#send([entry]);
    }
    this.sent = Math.min(this.bytes, before + sumBytes(group));
    this.#emitChanged();
  }

  /** Repeat the request while the server is down or full; the server recognises files that it already has. */
  async #postUntilAnswered(group, before) {
    while (!this.stopped) {
      try {
        return await this.#post(group, before);
      } catch (error) {
        if (error instanceof Unreachable) await untilConnected();
        else if (error.retryable) await this.#waitAfter(error);
        else throw error;
      }
    }
    return null;
  }

  /** Wait until the request may be sent again; `waits` is why. */
  async #waitAfter(error) {
    this.waits = error;
    this.#emitChanged();
    await new Promise((resolve) => setTimeout(resolve, error.retryAfter * 1000));
    this.waits = null;
  }

  #post(group, before) {
    const form = new FormData();
    for (const { file, path } of group) form.append("file", file, path);
    if (this.student) form.append("student", this.student);
    const onProgress = (fraction) => {
      this.sent = before + sumBytes(group) * fraction;
      this.#emitChanged();
    };
    return upload(this.url, form, onProgress, this.#abort.signal);
  }

  #addResults(response, group) {
    const blobs = new Map(group.map(({ file, path }) => [path.normalize("NFC"), file])); // the server normalises names
    for (const kind of ["accepted", "unchanged", "refused"]) {
      for (const entry of response?.[kind] ?? []) this.results.push({ kind, ...entry, blob: blobs.get(entry.file) });
    }
    this.#markReplaced();
    this.dispatchEvent(new Event("answered"));
  }

  /** Of several files of one student only the last counts. Within a request the server says so itself. */
  #markReplaced() {
    const acceptedResults = this.results.filter(({ kind }) => kind !== "refused");
    const last = new Map(acceptedResults.map((result) => [result.student, result]));
    for (const result of acceptedResults) if (last.get(result.student) !== result) result.kind = "replaced";
  }

  /** `error` has the server's code and detail, or of a file that is not sent the page's own `reason`, with its `mb`. */
  #refuse({ file, path }, { code, detail, reason, mb }) {
    this.results.push({ kind: "refused", file: path, student: null, code, detail, reason, mb, blob: file });
    this.#emitChanged();
  }

  #emitChanged() {
    this.dispatchEvent(new Event("changed"));
  }
}

const sumBytes = (files) => files.reduce((sum, { file }) => sum + file.size, 0);
const untilConnected = () =>
  new Promise((resolve) => connection.addEventListener("connected", resolve, { once: true }));

/** The files in groups, each for one request of at most `maxBytes`, unless a single file is larger. */
function groupFiles(files, maxBytes) {
  const groups = [];
  for (const entry of files) {
    const group = groups.at(-1);
    const fits = group?.length < MAX_REQUEST_FILES && sumBytes(group) + entry.file.size <= maxBytes;
    if (fits) group.push(entry);
    else groups.push([entry]);
  }
  return groups;
}

/**
 * POST a form and return the JSON of the response; null when `signal` stopped it. Throws ApiError or Unreachable.
 * `onProgress` gets the fraction that is sent, 0 to 1; fetch() cannot report it.
 */
function upload(url, form, onProgress, signal) {
  const request = new XMLHttpRequest();
  let timer = null;
  const restartTimer = () => {
    clearTimeout(timer);
    timer = setTimeout(() => request.abort(), STALL_TIMEOUT_S * 1000);
  };
  request.upload.addEventListener("progress", ({ loaded, total }) => {
    restartTimer();
    onProgress(total ? loaded / total : 0);
  });
  request.upload.addEventListener("load", () => clearTimeout(timer)); // from here on the server processes the files
  signal.addEventListener("abort", () => request.abort());
  return new Promise((resolve, reject) => {
    request.addEventListener("loadend", () => {
      clearTimeout(timer);
      if (signal.aborted) resolve(null);
      else if (request.status >= 200 && request.status < 300) resolve(JSON.parse(request.responseText));
      else reject(toError(request));
    });
    request.open("POST", url);
    restartTimer();
    request.send(form);
  });
}

/** The error for a failed request; its status is 0 when there was no response. */
function toError(request) {
  const { status, statusText } = request;
  if (!status || GATEWAY_ERRORS.has(status)) {
    connection.markDisconnected();
    return new Unreachable(statusText);
  }
  if (status === UNAUTHORIZED) {
    connection.dispatchEvent(new Event("unauthorized"));
    return new Unreachable(statusText); // "connected" follows when somebody has logged in
  }
  const problem = { detail: statusText, code: `http_${status}`, ...parseProblem(request) };
  return new ApiError(problem, status, Number(request.getResponseHeader("Retry-After")) || 1);
}

function parseProblem({ responseText }) {
  try {
    return JSON.parse(responseText);
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    return {}; // a proxy's page
  }
}

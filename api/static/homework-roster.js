// The list of a class, as teachers have it: names one below the other, or a table as spreadsheets save it.

const NAMES = ["name", "studentname", "fullname", "student", "displayname", "姓名", "学生姓名", "學生姓名", "名字", "学生", "學生"];
const NUMBERS = ["studentid", "studentnumber", "studentno", "idnumber", "学号", "學號", "学生编号", "id", "编号", "number", "no", "序号"];
const ENCODINGS = ["utf-8", "gb18030"]; // what Windows writes in China is the second
const UTF_16 = { 0xfffe: "utf-16le", 0xfeff: "utf-16be" }; // by their first two bytes

/** The students of such a list, {name, id}; a spreadsheet's ="007" is the number 007. Whether the server takes them is the server's to say. */
export function readRoster(text) {
  const rows = rowsOf(text);
  const titles = (rows[0] ?? []).map(plain);
  const column = titles.findIndex((title) => NAMES.includes(title));
  const titled = column >= 0;
  const number = titled ? titles.findIndex((title) => NUMBERS.includes(title)) : numbersOf(rows);
  const nameOf = (cells) => (titled ? cells[column] : cells.filter((cell, index) => index !== number && cell.trim()).join(", "));
  const students = rows.slice(titled ? 1 : 0).map((cells) => ({ name: tidy(nameOf(cells)), id: number < 0 ? "" : tidy(cells[number]).replace(/^="(.*)"$/, "$1") }));
  return students.filter(({ name }) => name);
}

/** The same as lines that can be changed by hand. */
export const writeRoster = (students) => students.map(({ name, id }) => (id ? `${quoted(name)}, ${quoted(id)}` : quoted(name))).join("\n");

/** The names that stand for more than one. */
export function doubled(students) {
  const names = students.map(({ name }) => name);
  return [...new Set(names.filter((name, index) => names.indexOf(name) !== index))];
}

/** The text of a file; null when it is none that is known. */
export async function textOf(file) {
  const bytes = await file.arrayBuffer();
  const [first, second] = new Uint8Array(bytes.slice(0, 2));
  for (const encoding of [UTF_16[first * 256 + second], ...ENCODINGS].filter(Boolean)) {
    try {
      const text = new TextDecoder(encoding, { fatal: true }).decode(bytes);
      return /[\x00-\x08]/.test(text) ? null : text;
    } catch (error) {
      if (!(error instanceof TypeError)) throw error; // it is in another encoding
    }
  }
  return null;
}

/** The lines in which there is anything, as cells; the separator is the one that the list has most of. */
function rowsOf(text) {
  const count = (mark) => text.split(mark).length;
  const [mark] = [",", ";", "\t", "，"].sort((one, other) => count(other) - count(one));
  const cell = new RegExp(`(?:^|${mark})(?:\\s*"((?:[^"]|"")*)"\\s*|([^${mark}]*))`, "g");
  const cells = (line) => [...line.matchAll(cell)].map(([, within, bare]) => within?.replaceAll('""', '"') ?? bare ?? "");
  return text.split(/\r\n|\r|\n/).map(cells).filter((row) => row.some((each) => each.trim()));
}

/** The column whose cells, as far as there are any, all have a digit, which names have not; -1 when there is none, or nothing beside it. */
function numbersOf(rows) {
  const widest = Math.max(0, ...rows.map((row) => row.length));
  if (widest < 2) return -1;
  return Array.from({ length: widest }, (_, index) => index).findIndex((index) => rows.every((row) => !row[index]?.trim() || /\p{N}/u.test(row[index])));
}

const tidy = (cell) => (cell ?? "").normalize("NFC").replace(/\s+/g, " ").trim();
const plain = (title) => title.normalize("NFKC").toLowerCase().replace(/[^\p{L}\p{N}]/gu, "");
const quoted = (cell) => (/[,"，;]/.test(cell) ? `"${cell.replaceAll('"', '""')}"` : cell);

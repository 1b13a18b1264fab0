// Class lists as teachers have them: one name per line, or a table as spreadsheets save it.

const NAME_TITLES = new Set(
  "name studentname fullname student displayname 姓名 学生姓名 學生姓名 名字 学生 學生".split(" "),
);
const NUMBER_TITLES = new Set(
  "studentid studentnumber studentno idnumber 学号 學號 学生编号 id 编号 number no 序号".split(" "),
);
const ENCODINGS = ["utf-8", "gb18030"]; // the second is what Windows writes in China
const UTF_16 = { 0xfffe: "utf-16le", 0xfeff: "utf-16be" }; // by the byte order mark

/** The students of a list, {name, id}; a spreadsheet's ="007" is the number 007. The server checks them. */
export function parseRoster(text) {
  const rows = parseRows(text);
  const titles = (rows[0] ?? []).map(normalizeTitle);
  const nameColumn = titles.findIndex((title) => NAME_TITLES.has(title));
  const hasTitles = nameColumn >= 0;
  const numberColumn = hasTitles ? titles.findIndex((title) => NUMBER_TITLES.has(title)) : findNumberColumn(rows);
  const nameOf = (cells) =>
    hasTitles ? cells[nameColumn] : cells.filter((cell, index) => index !== numberColumn && cell.trim()).join(", ");
  const numberOf = (cells) => (numberColumn < 0 ? "" : tidy(cells[numberColumn]).replace(/^="(.*)"$/, "$1"));
  const students = rows.slice(hasTitles ? 1 : 0).map((cells) => ({ name: tidy(nameOf(cells)), id: numberOf(cells) }));
  return students.filter(({ name }) => name);
}

/** The students as lines that can be edited by hand. */
export function formatRoster(students) {
  return students.map(({ name, id }) => (id ? `${quote(name)}, ${quote(id)}` : quote(name))).join("\n");
}

/** The names that occur more than once. */
export function findDuplicates(students) {
  const names = students.map(({ name }) => name);
  return [...new Set(names.filter((name, index) => names.indexOf(name) !== index))];
}

/** The text of a file; null when it is not text in a known encoding. */
export async function readText(file) {
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

/** The lines that are not empty, as cells; the separator is the mark that the list has most of. */
function parseRows(text) {
  const count = (mark) => text.split(mark).length;
  const [separator] = [",", ";", "\t", "，"].sort((a, b) => count(b) - count(a));
  const cell = new RegExp(`(?:^|${separator})(?:\\s*"((?:[^"]|"")*)"\\s*|([^${separator}]*))`, "g");
  const toCell = ([, quoted, bare]) => quoted?.replaceAll('""', '"') ?? bare ?? "";
  const rows = text.split(/\r\n|\r|\n/).map((line) => [...line.matchAll(cell)].map(toCell));
  return rows.filter((cells) => cells.some((text) => text.trim()));
}

/** The column in which every cell that is not empty has a digit, which names do not have; -1 when there is none. */
function findNumberColumn(rows) {
  const width = Math.max(0, ...rows.map((row) => row.length));
  if (width < 2) return -1;
  const isNumber = (cell) => !cell?.trim() || /\p{N}/u.test(cell);
  return [...Array(width).keys()].findIndex((column) => rows.every((row) => isNumber(row[column])));
}

const tidy = (cell) => (cell ?? "").normalize("NFC").replace(/\s+/g, " ").trim();

const normalizeTitle = (title) => {
  const lower = title.normalize("NFKC").toLowerCase();
  return lower.replace(/[^\p{L}\p{N}]/gu, "");
};

const quote = (cell) => (/[,"，;]/.test(cell) ? `"${cell.replaceAll('"', '""')}"` : cell);

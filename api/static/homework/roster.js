// Class lists as teachers have them: one name per line, or a table as spreadsheets save it.

const NAME_TITLES = new Set(
  "name studentname fullname student displayname 姓名 学生姓名 學生姓名 名字 学生 學生".split(" "),
);
const NUMBER_TITLES = new Set(
  "studentid studentnumber studentno idnumber 学号 學號 学生编号 id 编号 number no 序号".split(" "),
);
const CHINESE_ENCODINGS = ["gb18030", "big5"]; // what Windows writes in China, and in Taiwan and Hong Kong
const CANVAS_TITLES = new Set(["sisuserid", "sisloginid"]); // of the gradebook that Canvas exports
const CANVAS_ROWS = new Set(["points possible", "student, test", "test student"]); // its rows that are no students
// The most frequent family names, as in pipeline/homework/encodings.py.
const SURNAMES = new Set(
  "王李张刘陈杨黄赵吴周徐孙马朱胡郭何林罗高梁郑谢宋唐许韩冯邓曹彭曾肖田董袁潘于蒋蔡余杜叶程苏魏吕丁任沈姚卢姜崔钟谭" +
    "陆汪范金石廖贾夏韦付方白邹孟熊秦邱江尹薛闫段雷侯龙史陶黎贺顾毛郝龚邵万钱严覃武戴莫孔向汤温康施文牛樊葛邢安齐易乔伍" +
    "庞颜倪庄聂章鲁岳翟殷詹申欧耿关兰焦俞左柳甘祝包宁尚符舒阮柯纪梅童凌毕单季裴霍涂成苗谷盛曲翁冉骆蓝路游辛靳" +
    "張劉陳楊黃趙吳孫馬羅鄭謝許韓馮鄧葉蘇魏呂盧鐘鍾譚陸範賈韋鄒龍賀顧龔萬錢嚴湯齊喬龐顏莊聶魯岳歐關蘭寧紀畢單塗駱藍遊",
);
const HAN_NAME = /(?<!\p{Script=Han})\p{Script=Han}{2,4}(?!\p{Script=Han})/gu;
const UNREADABLE = /[\p{Co}\p{Cn}\ufffd]/u; // what wrong decoding gives
const UTF_16 = { 0xfffe: "utf-16le", 0xfeff: "utf-16be" }; // by the byte order mark

// Ids that a spreadsheet changed, and lost zeros: as in pipeline/homework/student_ids.py.
const MONTHS = "jan|feb|mar|apr|may|jun|jul|aug|sep|sept|oct|nov|dec";
const CHANGED_ID = new RegExp(
  [
    "[+-]?\\d+([.,]\\d+)?e[+-]\\d+",
    "\\d+[.,]0+",
    "#{2,}",
    `\\d{1,4}[-/ ](${MONTHS})([-/ ]\\d{2,4})?`,
    `(${MONTHS})[-/ ]\\d{1,4}`,
    "(\\d{2}|\\d{4})[-/]\\d{1,2}[-/]\\d{1,2}",
    "\\d{1,2}[-/]\\d{1,2}[-/](\\d{2}|\\d{4})",
    "(\\d{2,4}年)?\\d{1,2}月(\\d{1,2}日)?",
  ]
    .map((form) => `^(?:${form})$`)
    .join("|"),
  "i",
);
const EXACT_DIGITS = 15; // of a number; spreadsheets write 0 for those that follow
const MIN_LOST_DIGITS = 3; // in all ids together, before their zeros count as lost digits
const MIN_NUMBER_DIGITS = 4; // of the longest id, if ids are numbers of the school's: shorter ones are seats or rows
const MIN_CERTAIN_DIGITS = 5; // of the longest id, if some begin with 0 nevertheless
const MAX_RANGE_RATIO = 2; // of the range of the ids to the number of students, if they were given one after the other

/** The students of a list, {name, id}; a spreadsheet's ="007" is the number 007. The server checks them. */
export function parseRoster(text) {
  return readStudents(text).map(({ name, id }) => ({ name, id }));
}

/** An id that is not the student's any more, such as 1.20E+11; "" without one. */
export function findChangedId(text) {
  const ids = readStudents(text).map(({ id }) => id);
  const longIds = ids.filter((id) => isNumber(id) && id.length > EXACT_DIGITS);
  const lostDigits = longIds.map((id) => id.slice(EXACT_DIGITS)).join("");
  const hasLost = /^0+$/.test(lostDigits) && lostDigits.length >= MIN_LOST_DIGITS;
  return ids.find((id) => CHANGED_ID.test(id)) ?? (hasLost ? longIds[0] : "");
}

/** The first id that seems to have lost zeros at its beginning: some are shorter, and they do not follow each other. */
export function findShortenedId(text) {
  const students = readStudents(text).filter(({ id }) => id);
  const ids = students.map(({ id }) => id);
  const longest = Math.max(0, ...ids.map((id) => id.length));
  const hasZeros = ids.some((id) => id.startsWith("0"));
  const minDigits = hasZeros ? MIN_CERTAIN_DIGITS : MIN_NUMBER_DIGITS;
  if (longest < minDigits || !ids.every(isNumber)) return "";
  const numbers = ids.map(Number);
  const range = Math.max(...numbers) - Math.min(...numbers);
  if (!hasZeros && range < MAX_RANGE_RATIO * numbers.length) return "";
  return students.find(({ id, isCertain }) => id.length < longest && !isCertain)?.id ?? "";
}

/** The students, {name, id, isCertain}: whether the id is written as text, such as ="007", or is Canvas's. */
function readStudents(text) {
  const rows = parseRows(text);
  const titles = (rows[0] ?? []).map(normalizeTitle);
  const nameColumn = titles.findIndex((title) => NAME_TITLES.has(title));
  const hasTitles = nameColumn >= 0;
  const numberColumn = hasTitles ? titles.findIndex((title) => NUMBER_TITLES.has(title)) : findNumberColumn(rows);
  const nameOf = (cells) =>
    hasTitles ? cells[nameColumn] : cells.filter((cell, index) => index !== numberColumn && cell.trim()).join(", ");
  const numberOf = (cells) => (numberColumn < 0 ? "" : tidy(cells[numberColumn]));
  const isCanvas = titles.some((title) => CANVAS_TITLES.has(title));
  const students = rows.slice(hasTitles ? 1 : 0).map((cells) => {
    const number = numberOf(cells);
    const id = number.replace(/^="(.*)"$/, "$1").replace(/^'/, "");
    return { name: tidy(nameOf(cells)), id, isCertain: id !== number || isCanvas };
  });
  return students.filter(({ name }) => name && !(isCanvas && CANVAS_ROWS.has(name.toLowerCase())));
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
  for (const encoding of [UTF_16[first * 256 + second], "utf-8"].filter(Boolean)) {
    const text = decode(bytes, encoding);
    if (text !== null) return /[\x00-\x08]/.test(text) ? null : text;
  }
  const texts = CHINESE_ENCODINGS.map((encoding) => decode(bytes, encoding));
  const readable = texts.filter((text) => text !== null && !UNREADABLE.test(text) && !/[\x00-\x08]/.test(text));
  for (const hasSense of [hasChineseTitle, hasChineseNames]) {
    const plausible = readable.filter(hasSense);
    if (plausible.length) return plausible.length === 1 ? plausible[0] : null;
  }
  return null;
}

/** The text; null when the bytes are in another encoding. */
function decode(bytes, encoding) {
  try {
    return new TextDecoder(encoding, { fatal: true }).decode(bytes);
  } catch (error) {
    if (!(error instanceof TypeError)) throw error;
    return null;
  }
}

/** Whether the list has a title such as 姓名. */
function hasChineseTitle(text) {
  const titles = text.split(/[,;\t，；\r\n]/, 40).map(normalizeTitle);
  return titles.some((title) => /\P{ASCII}/u.test(title) && (NAME_TITLES.has(title) || NUMBER_TITLES.has(title)));
}

/** Whether a third of the short runs of Chinese characters begin with a family name. */
function hasChineseNames(text) {
  const names = text.match(HAN_NAME) ?? [];
  return names.length > 0 && names.filter((name) => SURNAMES.has([...name][0])).length >= names.length / 3;
}

/** The lines that are not empty, as cells; the separator is the mark that the list has most of. */
function parseRows(text) {
  const count = (mark) => text.split(mark).length;
  const [separator] = [",", ";", "\t", "，", "；"].sort((a, b) => count(b) - count(a));
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

const isNumber = (id) => /^\d+$/.test(id);

const tidy = (cell) => (cell ?? "").normalize("NFC").replace(/\s+/g, " ").trim();

const normalizeTitle = (title) => {
  const lower = title.normalize("NFKC").toLowerCase();
  return lower.replace(/[^\p{L}\p{N}]/gu, "");
};

const quote = (cell) => (/[,"，;]/.test(cell) ? `"${cell.replaceAll('"', '""')}"` : cell);

"""A CSV file in which single cells are changed, and every other character stays as it came.

Python's csv module would write a file of its own: with other quotes, line ends and encodings than the system's that is
to read it.
"""

import re
from contextlib import suppress
from dataclasses import dataclass
from typing import Self

from pipeline.errors import BadSheet
from pipeline.homework.encodings import choose_chinese_encoding
from pipeline.homework.roster import DELIMITERS, has_chinese_title
from pipeline.text.characters import can_decode

UTF_8_MARK, UTF_16_MARKS = b"\xef\xbb\xbf", {b"\xff\xfe": "utf-16-le", b"\xfe\xff": "utf-16-be"}
NEEDS_QUOTES = re.compile(r'["\r\n]|^\s|\s$')
LINE_ENDS = ("\r\n", "\n", "\r", "")  # the last of the end of the file


@dataclass
class CsvRow:
    """A row: the text of each cell with its quotes, and what ends the line."""

    cells: list[str]
    line_end: str

    def value(self, column: int) -> str:
        """A cell's content; "" where the row is too short."""
        text = self.cells[column] if column < len(self.cells) else ""
        return text[1:-1].replace('""', '"') if text.startswith('"') else text

    @property
    def values(self) -> list[str]:
        return [self.value(column) for column in range(len(self.cells))]


@dataclass
class CsvText:
    """A file's rows, and how it is written: its byte order mark, its encoding, its delimiter."""

    mark: bytes
    encoding: str
    delimiter: str
    rows: list[CsvRow]

    @classmethod
    def parse(cls, data: bytes) -> Self:
        """Raises BadSheet for what is not CSV in UTF-8, UTF-16 with a mark, GB18030 or Big5."""
        mark, encoding = find_encoding(data)
        text = data.removeprefix(mark).decode(encoding)
        delimiter = max(DELIMITERS, key=lambda each: count_columns(text, each))
        return cls(mark, encoding, delimiter, split_rows(text, delimiter))

    def set(self, row: CsvRow, column: int, value: str) -> None:
        """Change a cell, which keeps its quotes if it has any. Raises BadSheet if the encoding lacks a character."""
        try:
            value.encode(self.encoding)
        except UnicodeEncodeError:
            raise BadSheet(
                "The answers have characters that the sheet's encoding lacks. Save it as “CSV UTF-8”."
            ) from None
        row.cells += [""] * (column + 1 - len(row.cells))
        is_quoted = row.cells[column].startswith('"') or NEEDS_QUOTES.search(value) or self.delimiter in value
        row.cells[column] = '"{}"'.format(value.replace('"', '""')) if is_quoted else value

    def write(self) -> bytes:
        text = "".join(self.delimiter.join(row.cells) + row.line_end for row in self.rows)
        return self.mark + text.encode(self.encoding)


def find_encoding(data: bytes) -> tuple[bytes, str]:
    """The byte order mark, b"" without one, and the encoding. Raises BadSheet."""
    if data.startswith(UTF_8_MARK) and can_decode(data, "utf-8"):
        return UTF_8_MARK, "utf-8"
    for mark, encoding in UTF_16_MARKS.items():
        if data.startswith(mark) and can_decode(data, encoding):
            return mark, encoding
    if can_decode(data, "utf-8"):
        return b"", "utf-8"
    encoding = choose_chinese_encoding(data, has_chinese_title) or ""
    if encoding and data.decode(encoding).encode(encoding, errors="replace") == data:
        return b"", encoding
    raise BadSheet("The sheet is in an unknown encoding, or is no CSV file. Save it as “CSV UTF-8”.")


def count_columns(text: str, delimiter: str) -> int:
    """How many titles the first row has if this is the delimiter; 0 if its quotes say that it is not."""
    with suppress(BadSheet):
        return len(split_rows(text, delimiter, 1)[0].cells)
    return 0


def split_rows(text: str, delimiter: str, max_rows: int | None = None) -> list[CsvRow]:
    """The rows of a text, at least one. Raises BadSheet, which names the line, where a quote is never closed."""
    cell = re.compile(rf'("(?:[^"]|"")*"|[^{delimiter}"\r\n][^{delimiter}\r\n]*|)({delimiter}|\r\n|\n|\r|\Z)')
    rows, cells, position = list[CsvRow](), list[str](), 0
    while max_rows is None or len(rows) < max_rows:
        match = cell.match(text, position)
        if not match:
            line = text.count("\n", 0, position) + 1
            raise BadSheet(f"Line {line} of the sheet is not valid CSV: its quotes do not match.")
        cells.append(match[1])
        position = match.end()
        if match[2] in LINE_ENDS:
            rows.append(CsvRow(cells, match[2]))
            cells = []
            if position == len(text):
                break
    return rows

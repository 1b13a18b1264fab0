"""Read the first table of an Excel file (XLSX): values alone, as text. Nothing in it is computed or run.

What a hostile file may try, and the defence: a bomb, by the sizes that its parts declare, which zipfile never exceeds;
one cell in the last row and column, by a reader that goes row by row up to limits; XML entities, which no spreadsheet
needs, and macros: refused.
"""

import io
import re
import warnings
from collections.abc import Iterator
from datetime import date, datetime
from typing import Any, BinaryIO, cast
from xml.etree.ElementTree import ParseError
from zipfile import BadZipFile

from pipeline.errors import BadArchive, BadRoster, Encrypted, TooManyFiles
from pipeline.homework.zip_import import open_archive, open_entry

MAX_FILE_BYTES = 5_000_000
MAX_PARTS = 500  # files in an XLSX file, which is a ZIP
MAX_INFLATED_BYTES = 10_000_000  # of all parts together
MAX_ROWS, MAX_COLUMNS = 10_000, 30  # that are read; what is beyond is no list of a class
START_OF_ZIP, START_OF_OLE = b"PK", b"\xd0\xcf\x11\xe0"  # OLE: XLS, and an XLSX with a password
EXACT_BELOW = 10**15  # numbers of which a spreadsheet keeps all digits
ZEROS = re.compile("0+")  # a number format that shows leading zeros
UNREADABLE = "The Excel file cannot be read: it is damaged, or something else. Save it again, or as “CSV UTF-8”."
FAILURES = (KeyError, ValueError, TypeError, AttributeError, IndexError, OSError, EOFError, NotImplementedError)


def is_spreadsheet(data: bytes) -> bool:
    """Whether it begins as an Excel file does; no text begins so."""
    return data.startswith((START_OF_ZIP + b"\3\4", START_OF_OLE))


def read_spreadsheet(data: bytes) -> list[tuple[int, list[str]]]:
    """The rows of the first sheet that has any, each with its number; blank ones are left out. Raises BadRoster."""
    if data.startswith(START_OF_OLE):
        raise BadRoster("It is an old Excel file (.xls), or has a password. Save it as .xlsx without one.")
    if len(data) > MAX_FILE_BYTES:
        raise BadRoster(f"The Excel file has more than {MAX_FILE_BYTES:,} bytes: is it the list of a class?")
    check_parts(io.BytesIO(data))
    try:
        return read_first_table(io.BytesIO(data))
    except (*FAILURES, BadZipFile, ParseError) as error:
        raise BadRoster(UNREADABLE) from error


def check_parts(file: BinaryIO) -> None:
    """Raises BadRoster for a bomb, macros, XML entities, or a damaged file."""
    try:
        with open_archive(file, MAX_PARTS) as archive:
            entries = archive.infolist()
            if sum(entry.file_size for entry in entries) > MAX_INFLATED_BYTES:
                raise BadRoster(f"The Excel file has more than {MAX_INFLATED_BYTES:,} bytes when it is unpacked.")
            for entry in entries:
                if entry.filename.casefold().endswith("vbaproject.bin"):
                    raise BadRoster("The Excel file has macros. Save it as .xlsx, or as “CSV UTF-8”.")
                with open_entry(archive, entry) as part:
                    has_entities = b"<!DOCTYPE" in part.read()
                if has_entities and entry.filename.endswith((".xml", ".rels")):
                    raise BadRoster(UNREADABLE)
    except (BadArchive, Encrypted, TooManyFiles, RuntimeError) as error:  # RuntimeError: a part has a password
        raise BadRoster(UNREADABLE) from error


def read_first_table(file: BinaryIO) -> list[tuple[int, list[str]]]:
    from openpyxl import load_workbook  # half a second, which only those pay who have an Excel file

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of extensions and styles, which do not matter here
        workbook = load_workbook(file, read_only=True, data_only=True, keep_links=False)
        tables = (list(read_rows(sheet)) for sheet in workbook.worksheets if sheet.sheet_state == "visible")
        return next((rows for rows in tables if rows), [])


def read_rows(sheet: Any) -> Iterator[tuple[int, list[str]]]:
    for number, row in enumerate(sheet.iter_rows(max_row=MAX_ROWS, max_col=MAX_COLUMNS), 1):
        cells = [cell_text(cell, number) for cell in row]
        if any(cell.strip() for cell in cells):
            yield number, cells


def cell_text(cell: Any, row: int) -> str:
    """The text that the cell shows, but a number as all its digits. Raises BadRoster for an error such as #REF!."""
    value = cell.value
    if cell.data_type == "e":
        raise BadRoster(f"Line {row} of the list has the error {value}. Mend it in the spreadsheet.")
    if value is None:
        return ""
    if isinstance(value, datetime | date):
        return value.strftime("%Y-%m-%d")  # what a spreadsheet makes of 3-12: refused as an id
    if isinstance(value, bool):
        return str(value).upper()
    if isinstance(value, int | float) and abs(value) >= EXACT_BELOW:
        return f"{value:.5E}"  # as a spreadsheet shows it: refused as an id
    if isinstance(value, int | float) and value == int(value):
        digits = cast(str, cell.number_format or "")
        return str(int(value)).zfill(len(digits) if ZEROS.fullmatch(digits) else 0)
    return str(value)

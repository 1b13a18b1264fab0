"""Untrusted text: characters that cannot be seen, and bytes in an unknown encoding."""

import re
import unicodedata

JOINERS = {"\u200c", "\u200d"}  # without them words of some scripts, and some emoji, fall apart
INVISIBLE_CATEGORIES = {"Cc", "Cf", "Cs"}  # of Unicode: controls, formats such as a change of direction, surrogates

FORMULA_STARTS = tuple("=+-@\t\r\n\uff1d\uff0b\uff0d\uff20")  # spreadsheets read text that begins so as a formula

# A character of GB2312 in both of its bytes. Text without any is hardly Chinese: GB18030 takes pairs such as the "ël"
# of a Western "Noël" for rare characters, but whoever writes Chinese uses a common one sooner or later.
GB2312_CHARACTER = re.compile(rb"[\xb0-\xf7][\xa1-\xfe]")


def is_invisible(character: str) -> bool:
    """Whether it is not seen, such as a control character or one that turns the direction of the text after it."""
    return character not in JOINERS and unicodedata.category(character) in INVISIBLE_CATEGORIES


def remove_invisible(text: str, keep: str = "") -> str:
    """The text without invisible characters, except those in `keep`."""
    return "".join(character for character in text if character in keep or not is_invisible(character))


def prevent_formula(cell: str) -> str:
    """A cell's text, with an apostrophe in front if a spreadsheet would run it as a formula."""
    return f"'{cell}" if cell.startswith(FORMULA_STARTS) else cell


def can_decode(data: bytes, encoding: str) -> bool:
    """Whether `data` is valid in `encoding`."""
    try:
        data.decode(encoding)
    except UnicodeDecodeError:
        return False
    return True


def is_gb18030(data: bytes) -> bool:
    """Whether `data`, which is not UTF-8, is what Chinese Windows writes."""
    return bool(GB2312_CHARACTER.search(data)) and can_decode(data, "gb18030")

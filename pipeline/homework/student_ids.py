"""Student ids that a spreadsheet changed when it took them for numbers or dates. What they were is never guessed."""

import re
from collections.abc import Sequence

# What spreadsheets make of ids: 120230000107 becomes 1.20E+11, 3-12 becomes 12-Mar, a narrow column ####.
MONTHS = "jan|feb|mar|apr|may|jun|jul|aug|sep|sept|oct|nov|dec"
CHANGED_ID = re.compile(
    r"[+-]?\d+([.,]\d+)?e[+-]\d+"
    r"|\d+[.,]0+"
    r"|#{2,}"
    rf"|\d{{1,4}}[-/ ]({MONTHS})([-/ ]\d{{2,4}})?"
    rf"|({MONTHS})[-/ ]\d{{1,4}}"
    r"|(\d{2}|\d{4})[-/]\d{1,2}[-/]\d{1,2}"
    r"|\d{1,2}[-/]\d{1,2}[-/](\d{2}|\d{4})"
    r"|(\d{2,4}年)?\d{1,2}月(\d{1,2}日)?",
    re.IGNORECASE | re.ASCII,
)
EXACT_DIGITS = 15  # of a number; spreadsheets write 0 for those that follow
MIN_LOST_DIGITS = 3  # in all ids together, before their zeros count as lost digits
MIN_NUMBER_DIGITS = 4  # of the longest id, if ids are numbers of the school's: shorter ones are seats or rows
MIN_CERTAIN_DIGITS = 5  # of the longest id, if some begin with 0 nevertheless
MAX_RANGE_RATIO = 2  # of the range of the ids to the number of students, if they were given one after the other


def find_changed_id(ids: Sequence[str]) -> int | None:
    """The index of an id that is not the student's any more, such as 1.20E+11; None without one."""
    for index, each in enumerate(ids):
        if CHANGED_ID.fullmatch(each.strip()):
            return index
    long_ids = [index for index, each in enumerate(ids) if is_number(each) and len(each) > EXACT_DIGITS]
    lost_digits = [ids[index][EXACT_DIGITS:] for index in long_ids]
    has_lost = not "".join(lost_digits).strip("0") and sum(map(len, lost_digits)) >= MIN_LOST_DIGITS
    return long_ids[0] if has_lost else None


def find_shortened_id(ids: Sequence[str], certain: Sequence[bool]) -> int | None:
    """The index of the first id that seems to have lost zeros at its beginning; None without one.

    That is so if all are numbers, of which some are shorter, and they were not given one after the other, as 998 to
    1003. One that is `certain` has not lost any.
    """
    given_ids = [each for each in ids if each]
    longest = max(map(len, given_ids), default=0)
    has_zeros = any(each.startswith("0") for each in given_ids)
    if not all(map(is_number, given_ids)) or longest < (MIN_CERTAIN_DIGITS if has_zeros else MIN_NUMBER_DIGITS):
        return None
    numbers = [int(each) for each in given_ids]
    if not has_zeros and max(numbers) - min(numbers) < MAX_RANGE_RATIO * len(numbers):
        return None
    return next((index for index, each in enumerate(ids) if 0 < len(each) < longest and not certain[index]), None)


def is_number(id_: str) -> bool:
    return id_.isascii() and id_.isdigit()

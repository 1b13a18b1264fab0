"""Numbers of English text in words, as they are spoken: with their signs, units and currencies, and nothing left out.

An engine reads digits by rules of its own, and leaves out signs that it does not know: "≥ 5" was spoken as five, and
138-0013-8000 as three numbers. So it is given words. The rules are applied in their order, each to the whole text. One
that does not understand a number leaves it to a later one; the last ones take whatever is left.
"""

import re
from collections.abc import Callable, Iterable
from functools import partial

from pipeline.text.number_spelling import (
    CUED_YEARS,
    choose_plural,
    spell,
    spell_date,
    spell_fraction,
    spell_groups,
    spell_integer,
    spell_money,
    spell_month,
    spell_room,
    spell_short_date,
    spell_time,
    spell_year,
)
from pipeline.text.number_tables import (
    AMOUNT_POWERS,
    CENTS,
    CODE_CUES,
    CURRENCIES,
    CURRENCY_CODES,
    DATE_CUES,
    EXPONENT_SIGNS,
    EXPONENTS,
    MONTHS,
    ROOM_CUES,
    SIGNS,
    SIGNS_NEXT_TO_NUMBERS,
    TIGHT_UNITS,
    UNITS,
    UNITS_AFTER_SLASH,
    YEAR_CUES,
)
from pipeline.text.numbers import cardinal, digit_by_digit, ordinal

MIN_PHONE_DIGITS = 7
MAX_RANGE_DIGITS = 4  # of each number in "1990-1995"; longer ones are ranges if they end in zeros

Match = re.Match[str]


def any_of(words: Iterable[str]) -> str:
    """A pattern of the words, the longest first."""
    return "|".join(map(re.escape, sorted(words, key=len, reverse=True)))


WITH_COMMAS, WITH_SPACES = r"\d{1,3}(?:,\d{2,3})*,\d{3}(?!\d)", r"[1-9]\d{0,2}(?:(?: \d{3}){2,}|(?: 000)+)(?!\d)"
INTEGER = rf"(?:{WITH_COMMAS}|{WITH_SPACES}|\d+)"
NUMBER = rf"(?:{INTEGER}(?:\.\d+)?|\.\d+)"
START, END = r"(?<![\w.,])(?<!\d:)", r"(?![\w]|[.,:/]\d)"  # not within another number or within a word
SIGN = r"(?:(?<![\w)%])[-+±])?"
DASH = r"\s?[-–—~～]\s?"
MONTH = rf"(?:{any_of(MONTHS)}|(?:Jan|Feb|Mar|Apr|Jun|Jul|Aug|Sept?|Oct|Nov|Dec)\b\.?)"
HALF_DAY = r"(?:\s?([AaPp])\.?[Mm]\b(?:\.(?=\s+[a-z,;]|[,;:]|$))?)"  # a.m.; its dot may end the sentence
POWER = rf"(?:\s?(hundred|thousand|million|billion|trillion|{any_of(AMOUNT_POWERS)})\b)?"
MONEY = rf"({any_of([*CURRENCIES, *CURRENCY_CODES])})"


# --- rules: each returns the words, or the text itself to leave it to a later rule ---


def date_year_first(match: Match) -> str:
    return spell_date(match[1], int(match[3]), int(match[4])) or match[0]


def date_year_last(match: Match) -> str:
    """The month is first, as in America, unless that is impossible or dots say otherwise."""
    first, separator, second, year_digits = int(match[1]), match[2], int(match[3]), match[4]
    if len(year_digits) == 2:
        if separator != "/":
            return match[0]
        year_digits = ("19" if int(year_digits) > 50 else "20") + year_digits
    is_day_first = first > 12 or (separator == "." and second <= 12)
    month, day = (second, first) if is_day_first else (first, second)
    return spell_date(year_digits, month, day) or match[0]


def month_day(match: Match) -> str:
    month, days, year_digits = match[1], re.findall(r"\d+", match[2]), match[3]
    if any(not 1 <= int(day) <= 31 for day in days):
        return match[0]
    spelled_days = " to ".join(ordinal(cardinal(int(day))) for day in days)
    return f"{spell_month(month)} {spelled_days}" + (f", {spell_year(year_digits)}" if year_digits else "")


def day_month(match: Match) -> str:
    day, month, year_digits = int(match[1]), match[2], match[3]
    if not 1 <= day <= 31:
        return match[0]
    return f"the {ordinal(cardinal(day))} of {spell_month(month)}" + (
        f", {spell_year(year_digits)}" if year_digits else ""
    )


def phone_or_range(match: Match) -> str:
    """Two numbers with a hyphen between them."""
    first, second = match[1], match[2]
    has_zero = any(len(each) > 1 and each[0] == "0" for each in (first, second))
    are_round = first.endswith(("00", "50")) and second.endswith(("00", "50"))
    are_years = len(first) == len(second) == MAX_RANGE_DIGITS and int(first) < int(second) in CUED_YEARS
    is_long = len(first + second) >= MIN_PHONE_DIGITS
    if has_zero or (is_long and not are_round and not are_years):
        return spell_groups(match[0])
    return match[0]


def range_or_difference(match: Match) -> str:
    """Whether the dash is spoken "to" or "minus"; the numbers are left for later rules."""
    first, dash = match[1], match[2]
    second = re.match(r"\D*([\d,.]+)", match.string[match.end() :])
    is_difference = dash == " - " and second and as_value(first) > as_value(second[1])
    return f"{first} {'minus' if is_difference else 'to'} "


def as_thousands(number: str) -> str:
    """1.234.567 as English writes it."""
    return number.replace(".", ",")


def as_value(number: str) -> float:
    return float(re.sub(r"[^\d.]", "", number).strip("."))


def clock_time(match: Match) -> str:
    hour, minute, second, half_day = int(match[1]), match[2], match[3], match[4]
    if hour > 24 or int(minute or 0) > 59 or int(second or 0) > 59:
        return match[0]
    return spell_time(hour, minute or "", second or "", half_day or "")


def division(match: Match) -> str:
    is_fraction = int(match[1]) < int(match[2])
    return match[0] if is_fraction else f"{spell(match[1])} divided by {spell(match[2])}"


def fraction(match: Match) -> str:
    whole, numerator, denominator = match[1], match[2], match[3]
    words = spell_fraction(int(numerator), int(denominator)) or f"{spell(numerator)} over {spell(denominator)}"
    if not whole:
        return words
    return f"{spell(whole.strip())} and {words.replace('one half', 'a half').replace('one quarter', 'a quarter')}"


def money_before(match: Match) -> str:
    sign, currency, number, power = match[1] or match[3] or "", match[2], match[4], match[5]
    return spell_money(sign, {**CURRENCIES, **CURRENCY_CODES}[currency], number, power)


def money_after(match: Match) -> str:
    return spell_money("", {**CURRENCIES, **CURRENCY_CODES}[match[3]], match[1], match[2])


def quantity(names: dict[str, tuple[str, str]], match: Match) -> str:
    number, unit = match[1], match[2]
    return f"{spell(number)} {choose_plural(number, *names[unit])}"


def per_unit(match: Match) -> str:
    unit = {**UNITS, **TIGHT_UNITS}.get(match[1])
    return f" per {unit[0] if unit else match[1]}"


def degrees(match: Match) -> str:
    scale = {"C": " Celsius", "F": " Fahrenheit"}.get(match[2] or "", "")
    return set_apart(match, f"{spell(match[1])} {choose_plural(match[1], 'degree', 'degrees')}{scale}")


def feet_and_inches(match: Match) -> str:
    feet, inches = match[1], match[2]
    return (
        f"{spell(feet)} {choose_plural(feet, 'foot', 'feet')} {spell(inches)} {choose_plural(inches, 'inch', 'inches')}"
    )


def power(match: Match) -> str:
    exponent = EXPONENT_SIGNS.get(match[1]) or match[1].lstrip("^")
    return f" {EXPONENTS.get(exponent) or f'to the power of {spell(exponent)}'}"


def decade(match: Match) -> str:
    """1980s, the 80s, '80s: "nineteen eighties", "eighties"."""
    words = spell_year(match[1])
    return f"{words[:-1]}ies" if words.endswith("y") else f"{words}s"


def sign_next_to_number(match: Match) -> str:
    return f" {SIGNS_NEXT_TO_NUMBERS[match[0].strip()]} "


def version(match: Match) -> str:
    return " point ".join(spell_integer(part) for part in match[0].split("."))


def number_alone(match: Match) -> str:
    return set_apart(match, spell(match[0]))


def set_apart(match: Match, words: str) -> str:
    """The words, with a space between them and a letter or digit next to the match."""
    before, after = match.string[: match.start()][-1:], match.string[match.end() :][:1]
    return f"{' ' if before.isalnum() else ''}{words}{' ' if after.isalnum() else ''}"


def letters_and_digits(match: Match) -> str:
    """A4, MP3, CA1234: four digits and more one by one."""
    letters, digits = match[1], match[2]
    return set_apart(match, f"{letters} {digit_by_digit(digits) if len(digits) > 3 else spell_integer(digits)}")


def cued(spell_digits: Callable[[str], str], match: Match) -> str:
    """The word before the digits, then the digits as they are spoken after it."""
    return f"{match[1]} {spell_digits(match[2])}"


def read_groups(match: Match) -> str:
    return f"{'plus ' if match[0][0] == '+' else ''}{spell_groups(match[0])}"


Rule = tuple[re.Pattern[str], Callable[[Match], str]]


def rules(*pairs: tuple[str, Callable[[Match], str]]) -> list[Rule]:
    return [(re.compile(pattern), rule) for pattern, rule in pairs]


def after(words: str) -> str:
    """A pattern of one of these words, in any case, with "number" and the like after it."""
    return rf"(?i:\b((?:{any_of(words.split())})(?: (?:number|no\.|is|code))*[.:]?)) ?#?"


MONEY_NUMBER = rf"(?:(?:{any_of(CURRENCIES)})?{NUMBER}(?::\d\d)?%?(?:\s?[AaPp]\.?[Mm]\b\.?)?)"

PLAIN_RULES = rules(  # to forms that the other rules know
    (rf"(?<![\w.,+])(?<!\d ){WITH_SPACES}(?! ?\d)", lambda match: match[0].replace(" ", ",")),
    (rf"{START}([1-9]\d{{0,2}}(?:\.\d{{3}})+),(\d{{1,2}}){END}", lambda match: f"{as_thousands(match[1])}.{match[2]}"),
    (rf"{START}[1-9]\d{{0,2}}(?:\.\d{{3}}){{2}}{END}", lambda match: as_thousands(match[0])),
    (rf"{START}(\d+),(\d\d?)(?=\s?(?:[%€°]|(?:{any_of(UNITS)})(?!\w)))", lambda match: f"{match[1]}.{match[2]}"),
    (r"(?<=\d)[eE](?=[-+]?\d+\b)|\s?[xX×] ?10\^", lambda match: " times 10^"),
    (r"\+/- ?", lambda match: "±"),
    (r"[<>!=]=", lambda match: {"<": "≤", ">": "≥", "!": "≠", "=": "="}[match[0][0]]),
    (rf"{START}(\d{{1,2}})\.(\d\d)(?={HALF_DAY})", lambda match: f"{match[1]}:{match[2]}"),
    (rf"{START}(\d+) ?h ?(\d+) ?m(?:in)?\b", lambda match: f"{match[1]} hr {match[2]} min"),
    (r"(?<=\d) : (?=\d)", lambda match: ":"),
)
CODE_RULES = rules(
    (rf"{START}(\d{{4}})([-/.])(\d{{1,2}})\2(\d{{1,2}}){END}", date_year_first),
    (rf"{START}(\d{{1,2}})([-/.])(\d{{1,2}})\2(\d{{4}}|\d{{2}}){END}", date_year_last),
    (rf"\b({MONTH}) (\d{{1,2}}(?:{DASH}\d{{1,2}})?)(?:st|nd|rd|th)?(?:,? (\d{{4}}))?(?![\w%:]|[.,]\d)", month_day),
    (rf"(?:\bthe )?{START}(\d{{1,2}})(?:st|nd|rd|th)? (?:of )?({MONTH})(?:,? (\d{{4}})\b)?", day_month),
    (rf"(?<!\w)\+\d[\d\s().-]{{5,}}\d{END}", read_groups),
    (rf"\(\d{{2,4}}\)\s?\d{{3,4}}[- ]?\d{{3,4}}{END}", read_groups),
    (rf"{START}\d+(?:-\d+){{2,}}{END}", read_groups),
    (rf"{START}(\d+)-(\d+){END}", phone_or_range),
    (rf"{START}1[3-9]\d ?\d{{4}} ?\d{{4}}{END}", read_groups),
    (rf"{START}0\d{{1,4}}(?: \d{{3,8}}){{1,3}}{END}", read_groups),
    (rf"{START}\d{{3}}[ .]\d{{3}}[ .]\d{{4}}{END}", read_groups),
    (rf"{START}\d{{4}}(?: \d{{4}}){{2,}}{END}", read_groups),
    (rf"{after(CODE_CUES)}(\d+(?:[ -]\d+)*){END}", partial(cued, spell_groups)),
    (rf"{after(ROOM_CUES)}(\d+){END}", partial(cued, spell_room)),
    (r"(?<![A-Za-z])[vV]\.? ?(?=\d)", lambda match: "version "),
    (rf"(?<=version ){START}\d+\.\d+{END}", version),
    (rf"{START}\d+(?:\.\d+){{2,}}(?!\w)", version),
    (r"(?<=\d) ?[-–] ?(?=\d+(?:\.\d+)? ?=)|(?<=[\d)])\s?-\s?(?=[-(]\s?-?\d)", lambda match: " minus "),
    (rf"(?<=\d)(\s?(?:{any_of(UNITS)}|°\s?[CF]?|¢)){DASH}(?={SIGN}{NUMBER})", lambda match: f"{match[1]} to "),
    (rf"{MONEY}({NUMBER}){DASH}(?={NUMBER})", lambda match: f"{match[2]} to {match[1]}"),
    (rf"{START}({MONEY_NUMBER})({DASH})(?={MONEY_NUMBER}(?![-\d]))", range_or_difference),
    (rf"{START}(\d{{1,2}})(?::(\d{{2}}))(?::(\d{{2}}))?{HALF_DAY}?(?![\d:])", clock_time),
    (rf"{START}(\d{{1,2}})()(){HALF_DAY}", clock_time),
    (rf"{START}(\d+):(\d+)(?![\d:])", lambda match: f"{spell(match[1])} to {spell(match[2])}"),
    (rf"(?i:\b({any_of(DATE_CUES.split())})) (\d{{1,2}}/\d{{1,2}}){END}", partial(cued, spell_short_date)),
    (rf"{START}(\d+) ?/ ?(\d+)(?= ?=)", division),
    (rf"{START}(\d+ )?(\d+)/(\d+)(?![\w/])", fraction),
)
QUANTITY_RULES = rules(
    (rf"(?<!\w)([-+±])?{MONEY}\s?([-+±])?({NUMBER}){POWER}", money_before),
    (rf"{START}({SIGN}{NUMBER}){POWER}\s?{MONEY}(?!\w)", money_after),
    (rf"{START}({SIGN}{NUMBER})\s?({any_of(CENTS)})", partial(quantity, CENTS)),
    (rf"{START}({SIGN}{NUMBER})\s?°(?:\s?([CF])\b)?", degrees),
    (rf"{START}(\d+)['’′]\s?(\d+)(?:[\"”″]|'')", feet_and_inches),
    (rf"{START}(\d+) ?ft\.? ?(\d+) ?in\b\.?", feet_and_inches),
    (rf"{START}({NUMBER})(″)", partial(quantity, {"″": ("inch", "inches")})),
    (r"(?<=\bthe )['’]?(\d0)s\b", decade),
    (r"(?<!\w)['’](\d0)s\b", decade),
    (rf"{START}((?:1\d|20)\d0)['’]?s\b", decade),
    (r"(?<=\d)([xX])(?=\d)", lambda match: " by "),
    (rf"{START}({SIGN}{NUMBER})\s?({any_of(UNITS)})(?![\w²³^])", partial(quantity, UNITS)),
    (rf"{START}({SIGN}{NUMBER})({any_of(TIGHT_UNITS)})(?![\w²³^])", partial(quantity, TIGHT_UNITS)),
    (rf"{START}({INTEGER})(?i:st|nd|rd|th)\b", lambda match: ordinal(spell(match[1]))),
    (rf"(?<=\w) ?/ ?({any_of(UNITS_AFTER_SLASH)})\b", per_unit),
)
SIGN_RULES = rules(
    (r"(?<=[\w)]) ?(\^[-+]?\d+|[²³])", power),
    (r"(?<=\w)\s[xX]\s(?=\d)", lambda match: " by "),
    (rf"[{''.join(SIGNS)}]", lambda match: f" {SIGNS[match[0]]} "),
    (r"(?<=\d)\s?\+(?!\w)|(?<=[\w)])\s?\+\s?(?=\d)", lambda match: " plus "),
    (r"[<>~*]\s?(?=[-+]?\.?\d)|(?<=\d)\s?[<>~*]|\s?=\s?| \+ |(?<=percent)\s?\+", sign_next_to_number),
)
NUMBER_RULES = rules(
    (rf"(?i:\b({any_of(YEAR_CUES.split())}),?) (1\d{{3}}|2[01]\d\d){END}", partial(cued, spell_year)),
    (rf"{START}(19\d\d|20\d\d){END}(?! (?:times|percent))", lambda match: spell_year(match[1])),
    (r"\b([A-Za-z]+)(\d+)(?![.,]\d)", letters_and_digits),
    (r"(?:#\s?|\b[Nn]o\. ?)(?=\d)", lambda match: "number "),
    (r"\b(pp?)\. ?(?=\d)", lambda match: "page " if match[1] == "p" else "pages "),
    (rf"{START}{SIGN}{NUMBER}", number_alone),
    (r"(?<!\.)\.\d+|\d+", number_alone),
)


def write_numbers(text: str) -> str:
    """The text with every number, and every sign that stands for words, in words; it contains no digit any more."""
    if not any(char.isdigit() or char in SIGNS for char in text):
        return text
    for pattern, rule in (*PLAIN_RULES, *CODE_RULES, *QUANTITY_RULES, *SIGN_RULES, *NUMBER_RULES):
        text = pattern.sub(rule, text)
    return " ".join(re.sub(r"\s+(?=[,.;:!?)%])", "", re.sub(r"(?<=\w),(?=\w)", ", ", text)).split())

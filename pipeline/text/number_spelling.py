"""A number in English words, once it is known what it is: a cardinal, a code, a date, a time, an amount of money."""

import re

from pipeline.text.number_tables import AMOUNT_POWERS, FRACTIONS, MONTHS
from pipeline.text.numbers import MAX_CARDINAL_DIGITS, cardinal, digit_by_digit, ordinal, year

CUED_YEARS = range(1000, 2200)  # four digits that are taken for a year after a word such as "in"
MAX_CARDINAL_DIGITS_WITH_COMMAS = 15
MAX_DENOMINATOR = 10  # of a fraction that might be a date as well


def spell(number: str) -> str:
    """A number such as -1,234.50, with its sign: "minus one thousand two hundred thirty four point five zero"."""
    sign = {"-": "minus ", "+": "plus ", "±": "plus or minus "}.get(number[0], "")
    integer, _, decimals = re.sub(r"[-+±,\s]", "", number).partition(".")
    max_digits = MAX_CARDINAL_DIGITS_WITH_COMMAS if "," in number else MAX_CARDINAL_DIGITS
    parts = [spell_integer(integer, max_digits)] if integer else []
    return sign + " ".join([*parts, "point", digit_by_digit(decimals)] if decimals else parts)


def spell_integer(digits: str, max_digits: int = MAX_CARDINAL_DIGITS) -> str:
    """As a cardinal; one by one when the digits are too many, or begin with a zero that says something."""
    is_code = len(digits) > max_digits or (len(digits) > 1 and digits[0] == "0")
    return digit_by_digit(digits) if is_code else cardinal(int(digits))


def spell_groups(text: str) -> str:
    """A telephone number or a code, digit by digit, with a pause between its groups."""
    return ", ".join(digit_by_digit(group) for group in re.findall(r"\d+", text))


def spell_year(digits: str) -> str:
    return year(int(digits)) if int(digits) in CUED_YEARS else spell_integer(digits)


def spell_room(digits: str) -> str:
    """305 is "three oh five", 1204 "twelve oh four", 300 "three hundred"; longer ones digit by digit."""
    if digits[0] == "0" or len(digits) > 4:
        return digit_by_digit(digits)
    if len(digits) < 3 or digits.endswith("00"):
        return cardinal(int(digits))
    last = digits[-2:]
    return f"{cardinal(int(digits[:-2]))} {'oh ' + cardinal(int(last)) if last[0] == '0' else cardinal(int(last))}"


def spell_date(year_digits: str, month: int, day: int) -> str | None:
    """None if there is no such date; `year_digits` may be empty."""
    if not (1 <= month <= 12 and 1 <= day <= 31):
        return None
    ending = f", {spell_year(year_digits)}" if year_digits else ""
    return f"{MONTHS[month - 1]} {ordinal(cardinal(day))}{ending}"


def spell_short_date(digits: str) -> str:
    """3/5 after a word such as "on"."""
    month, day = map(int, digits.split("/"))
    return spell_date("", month, day) or digits


def spell_month(month: str) -> str:
    return next(name for name in MONTHS if name.startswith(month[:3]))


def spell_time(hour: int, minute: str, second: str, half_day: str) -> str:
    words = cardinal(hour)
    if minute == "00" and not half_day and not second:
        return f"{words} {'o’clock' if 1 <= hour <= 12 else 'hundred'}"
    if minute and (minute != "00" or second):
        words += f" {'oh ' if minute[0] == '0' else ''}{cardinal(int(minute))}"
    if second:
        words += f" and {cardinal(int(second))} {choose_plural(str(int(second)), 'second', 'seconds')}"
    return f"{words} {half_day.upper()}.M." if half_day else words


def spell_fraction(numerator: int, denominator: int) -> str:
    """Empty for what is no proper fraction, or more probably a date."""
    if (numerator, denominator) in ((24, 7), (9, 11)):
        return f"{cardinal(numerator)} {cardinal(denominator)}"
    is_certain = 0 < numerator < denominator and (denominator <= MAX_DENOMINATOR or denominator in (12, 16, 20))
    if not is_certain and (date := spell_date("", numerator, denominator)):
        return date
    if not is_certain and numerator != 1:
        return ""
    name = ordinal(cardinal(denominator))
    singular, plural = FRACTIONS.get(denominator, (name, f"{name}s"))
    return f"{cardinal(numerator)} {singular if numerator == 1 else plural}"


def spell_money(sign: str, names: tuple[str, str, str, str], number: str, power: str | None) -> str:
    singular, plural, cent, cents = names
    minus = spell(f"{sign}0").removesuffix("zero") if sign else ""
    if power:
        return f"{minus}{spell(number)} {AMOUNT_POWERS.get(power, power)} {plural}"
    integer, _, decimals = number.partition(".")
    if len(decimals) != 2:
        return f"{minus}{spell(number)} {choose_plural(number, singular, plural)}"
    amounts = []
    if int(re.sub(r"\D", "", integer) or 0) or not int(decimals):
        amounts.append(f"{spell(integer or '0')} {choose_plural(integer, singular, plural)}")
    if int(decimals):
        amounts.append(f"{cardinal(int(decimals))} {choose_plural(str(int(decimals)), cent, cents)}")
    return minus + " and ".join(amounts)


def choose_plural(number: str, singular: str, plural: str) -> str:
    return singular if number.lstrip("-+±") == "1" else plural

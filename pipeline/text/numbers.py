"""Numbers as English speaks them: cardinals, ordinals, years, and digits one by one."""

ONES_LIST = """
zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen
eighteen nineteen
"""
TENS_LIST = "ten twenty thirty forty fifty sixty seventy eighty ninety"
ONES, TENS = ONES_LIST.split(), ["", *TENS_LIST.split()]  # by their number
POWERS = ((10**12, "trillion"), (10**9, "billion"), (10**6, "million"), (1_000, "thousand"), (100, "hundred"))
MAX_CARDINAL_DIGITS = 12  # of a number that is spoken as one; longer ones are spoken digit by digit
IRREGULAR_ORDINALS = {"one": "first", "two": "second", "three": "third", "five": "fifth", "eight": "eighth"}
IRREGULAR_ORDINALS |= {"nine": "ninth", "twelve": "twelfth"}


def cardinal(number: int) -> str:
    """The number in words, without "and" and hyphens: 21 is "twenty one"."""
    if number < 20:
        return ONES[number]
    if number < 100:
        return f"{TENS[number // 10]} {ONES[number % 10] if number % 10 else ''}".strip()
    power, name = next(each for each in POWERS if number >= each[0])
    remainder = f" {cardinal(number % power)}" if number % power else ""
    return f"{cardinal(number // power)} {name}{remainder}"


def ordinal(cardinal_text: str) -> str:
    """The ordinal of a cardinal in words: "twenty one" gives "twenty first"."""
    start, _, last = cardinal_text.rpartition(" ")
    ending = f"{last[:-1]}ieth" if last.endswith("y") else f"{last}th"
    return f"{start} {IRREGULAR_ORDINALS.get(last, ending)}".strip()


def year(number: int) -> str:
    """A year from 1000 to 9999, in pairs: 1905 is "nineteen oh five", 2005 "two thousand five"."""
    century, remainder = divmod(number, 100)
    if century % 10 == 0 and remainder < 10:
        return cardinal(number)
    if remainder == 0:
        return f"{cardinal(century)} hundred"
    return f"{cardinal(century)} {'oh ' if remainder < 10 else ''}{cardinal(remainder)}"


def digit_by_digit(digits: str) -> str:
    return " ".join(ONES[int(digit)] for digit in digits)

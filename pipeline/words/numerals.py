"""Numbers as English speaks them: a recogniser writes "20" where the text has "twenty", or the other way round."""

import re

ONES_WORDS = """
zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen
eighteen nineteen
"""
TENS_WORDS = "ten twenty thirty forty fifty sixty seventy eighty ninety"
ONES, TENS = ONES_WORDS.split(), ["", *TENS_WORDS.split()]  # by their number
STEPS = ((1_000_000_000, "billion"), (1_000_000, "million"), (1_000, "thousand"), (100, "hundred"))
LARGEST = 12  # digits that are spoken as one number; more are spoken one by one

IRREGULAR = {"one": "first", "two": "second", "three": "third", "five": "fifth", "eight": "eighth", "nine": "ninth"}
IRREGULAR |= {"twelve": "twelfth"}
SIGNS = {"$": "dollars", "£": "pounds", "€": "euros", "%": "percent"}
PIECES = re.compile(r"[$£€]?\d[\d,]*(?:\.\d+)?(?:(?:st|nd|rd|th)(?![a-z])|%)?|[^\W\d]+")
NUMBER = re.compile(r"([$£€]?)([\d,]+)(?:\.(\d+))?(st|nd|rd|th|%)?")


def readings(word: str) -> list[str]:
    """How a word with digits in it may be spoken, the usual way first; of a word without, itself alone."""
    if not re.search("[0-9]", word):
        return [word]
    spoken = [_spoken(piece) for piece in PIECES.findall(word)]
    longest = max(map(len, spoken), default=0)
    ways = (" ".join(each[min(way, len(each) - 1)] for each in spoken) for way in range(longest))
    return list(dict.fromkeys(ways))


def _spoken(piece: str) -> list[str]:
    found = NUMBER.fullmatch(piece)
    if not found:
        return [piece]
    sign, whole, fraction, ending = found.groups()
    digits = whole.replace(",", "")
    ways = [_digits(digits)] if len(digits) > LARGEST else _cardinals(digits)
    if fraction:
        ways = [f"{way} point {_digits(fraction)}" for way in ways]
    if ending and ending != "%":
        ways = [_ordinal(way) for way in ways]
    unit = SIGNS.get(sign) or SIGNS.get(ending or "")
    return [f"{way} {unit}" for way in ways] if unit else ways


def _cardinals(digits: str) -> list[str]:
    """With and without "and"; four digits also in pairs, as years are; and digit by digit, as telephones are."""
    number = int(digits)
    plain = cardinal(number)
    ways = [plain, re.sub(r"(hundred|thousand) (?!thousand|million|billion)(?=\S+( \S+)?$)", r"\1 and ", plain)]
    ways.append(re.sub(r"^one (?=hundred|thousand)", "a ", ways[-1]))
    if len(digits) == 4 and number % 100 and number // 100 > 9:
        tens = cardinal(number % 100) if number % 100 > 9 else f"oh {cardinal(number % 100)}"
        ways.append(f"{cardinal(number // 100)} {tens}")
    return [*ways, _digits(digits)]


def cardinal(number: int) -> str:
    """The number in words, without "and" and hyphens: 21 is "twenty one"."""
    if number < 20:
        return ONES[number]
    if number < 100:
        return f"{TENS[number // 10]} {ONES[number % 10] if number % 10 else ''}".strip()
    size, name = next(step for step in STEPS if number >= step[0])
    rest = f" {cardinal(number % size)}" if number % size else ""
    return f"{cardinal(number // size)} {name}{rest}"


def _ordinal(cardinal: str) -> str:
    start, _, last = cardinal.rpartition(" ")
    ending = f"{last[:-1]}ieth" if last.endswith("y") else f"{last}th"
    return f"{start} {IRREGULAR.get(last, ending)}".strip()


def _digits(digits: str) -> str:
    return " ".join(ONES[int(digit)] for digit in digits)

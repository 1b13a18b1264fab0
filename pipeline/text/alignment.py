"""Align a transcript with the text that was read aloud, word by word, and find every audible difference.

Words are compared by their sounds, since a recogniser decides how a word is spelt, and no speaker can be blamed for it:
case, punctuation, contractions, numbers in digits, compounds written apart, homophones, and British or American
spelling make no difference.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Self

from pipeline.jobs.results import Edit
from pipeline.text.corrections import CONTRACTIONS, STRAIGHT_QUOTES, WORD, DiffSpan
from pipeline.text.numbers import MAX_CARDINAL_DIGITS, cardinal, digit_by_digit, ordinal
from pipeline.text.spoken_forms import find_spoken_stretches, spell_out

INDEL_COST, SUBSTITUTION_COST = 3, 4  # of a word too many or missing, and of another word: as in NIST's sclite
DIAGONAL, UP, LEFT = range(3)  # steps through both sentences, the hypothesis alone, the reference alone

HOMOPHONE_LIST = """
to too two, there their theyre, your youre, sea see, right write, know no, knew new, hear here, buy by bye, for four,
ate eight, son sun, one won, our hour, road rode, meet meat, week weak, red read, blue blew, nose knows, be bee, eye i,
pair pear, piece peace, plain plane, tail tale, hair hare, deer dear, flower flour, mail male, made maid, night knight,
threw through, wait weight, waist waste, whole hole, wood would, which witch, whether weather, allowed aloud, bare bear,
board bored, break brake, cell sell, cent sent scent, fair fare, feet feat, great grate, heel heal, in inn, knot not,
passed past, rain reign, sale sail, scene seen, some sum, stair stare, steal steel, toe tow, way weigh, whos whose,
where wear, ok okay, mr mister, dr doctor, alright allright, mum mom, grey gray,
colour color, favourite favorite, neighbour neighbor, centre center, theatre theater, metre meter, litre liter,
metres meters, litres liters, kilometre kilometer, kilometres kilometers, centimetre centimeter,
centimetres centimeters, millimetres millimeters,
programme program, realise realize, recognise recognize, organise organize, apologise apologize, pyjamas pajamas,
travelling traveling, traveller traveler, cosy cozy, plough plow, aeroplane airplane, tyre tire, jewellery jewelry
"""
# Each word -> the first of those that sound the same.
HOMOPHONES = {word: family.split()[0] for family in HOMOPHONE_LIST.split(",") for word in family.split()}
FINAL_CONTRACTIONS = [(re.compile(f"{short}$"), full) for short, full in (CONTRACTIONS | {"cannot": "can not"}).items()]
HYPHENS = re.compile(r"[‐-―/&+_~-]+")
INITIALS = re.compile(r"(?:[a-z]\.)+[a-z]?")
OUTER_PUNCTUATION = re.compile(r"^[^\w$£€]+|[^\w%]+$")
NOT_LETTERS = re.compile(r"[\W_]+")

MONTH_LIST = "january february march april may june july august september october november december"
MONTHS, ANY_MONTH = MONTH_LIST.split(), rf"(?:{MONTH_LIST.replace(' ', '|')})"
DAY = re.compile(r"(?:[12]?[1-9]|[123]0|31)")
DAY_SPELLINGS = frozenset(ordinal(cardinal(day)).split()[-1] for day in range(1, 32))  # "third", and "first" of 21
DAY_IN_DIGITS = r"\d{1,2}(?:st|nd|rd|th)?"
DATE_IN_DIGITS = re.compile(rf"\b{DAY_IN_DIGITS},? {ANY_MONTH}\b|\b{ANY_MONTH} {DAY_IN_DIGITS}\b", re.I)
UNITS = {"$": "dollars", "£": "pounds", "€": "euros", "%": "percent"}
NUMBER_OR_LETTERS = re.compile(r"[$£€]?\d[\d,]*(?:\.\d+)?(?:(?:st|nd|rd|th)(?![a-z])|%)?|[^\W\d]+")
FULL_HOUR = re.compile(r"(\d{1,2}):00")
NUMBER = re.compile(r"([$£€]?)([\d,]+)(?:\.(\d+))?(st|nd|rd|th|%)?")


@dataclass(frozen=True)
class AlignedSpan:
    """Words of the hypothesis (what was heard) and those of the reference in their place.

    `hypothesis_at` and `reference_at`: the first word of each, and one after the last. `sounds_same_there`: whether
    they sound the same between the words around them.
    """

    hypothesis: tuple[str, ...]
    reference: tuple[str, ...]
    hypothesis_at: tuple[int, int]
    reference_at: tuple[int, int]
    sounds_same_there: bool

    @property
    def sounds_same(self) -> bool:
        """Whether both sound the same, with or without contractions written out."""
        if self.sounds_same_there:
            return True
        hypothesis, reference = " ".join(self.hypothesis), " ".join(self.reference)
        if (
            PhoneticText.from_text(hypothesis, reference).joined_text
            == PhoneticText.from_text(reference, hypothesis).joined_text
        ):
            return True
        return sounds_without_apostrophes(hypothesis) == sounds_without_apostrophes(reference)

    @property
    def edit(self) -> Edit:
        return DiffSpan(self.hypothesis, self.reference, self.hypothesis_at).edit


def align(hypothesis: str, reference: str) -> list[AlignedSpan]:
    """Both texts, span by span. A misread word is a span by itself where exactly one word stands in its place."""
    hyp, ref = PhoneticText.from_text(hypothesis, reference), PhoneticText.from_text(reference, hypothesis)
    spans = []
    for (hyp_start, ref_start), (hyp_end, ref_end) in pairwise(_span_starts(hyp, ref)):
        hyp_words, ref_words = hyp.words[hyp_start:hyp_end], ref.words[ref_start:ref_end]
        hyp_at, ref_at = (hyp_start, hyp_end), (ref_start, ref_end)
        sounds_same_there = bool(hyp_words and ref_words) and hyp.join_sounds(hyp_at) == ref.join_sounds(ref_at)
        spans.append(AlignedSpan(hyp_words, ref_words, hyp_at, ref_at, sounds_same_there))
    return spans


@dataclass(frozen=True)
class PhoneticText:
    """A text's `words` as they are written, its `sounds`, which are compared, and the index of the word of each sound.

    "I'm 21" has the sounds "eye" (the first of its homophones), "am", "twenty" and "one", of the words 0, 0, 1 and 1.
    """

    words: tuple[str, ...]
    sounds: tuple[str, ...]
    word_indices: tuple[int, ...]

    @classmethod
    def from_text(cls, text: str, other: str) -> Self:
        """Numbers are spoken as `other`, which the text is compared with, has them, if it does."""
        words = WORD.findall(text)
        other_words = f" {' '.join(_normalize(word) for word in WORD.findall(HYPHENS.sub(' ', other)))} "
        days, sounds = _days(words), list[tuple[str, int]]()
        other_sounds = f" {' '.join(_homophones(other_words))} "
        stretches = {
            start: (end, form)
            for start, end, forms in find_spoken_stretches(words)
            if days.isdisjoint(range(start, end))
            and (form := next((form for form in forms if f" {' '.join(_homophones(form))} " in other_sounds), ""))
        }
        index = 0
        while index < len(words):
            end, form = stretches.get(index, (index + 1, ""))
            new_sounds = _homophones(form) if form else _sounds(words[index], other_words, index in days)
            sounds += ((sound, index) for sound in new_sounds)
            index = end
        if DATE_IN_DIGITS.search(other):
            sounds = _without_words_of_dates(sounds)
        return cls(tuple(words), tuple(sound for sound, _ in sounds), tuple(index for _, index in sounds))

    @property
    def joined_text(self) -> str:
        """All sounds in one, since compounds are written together or apart."""
        return NOT_LETTERS.sub("", "".join(self.sounds))

    def join_sounds(self, words_at: tuple[int, int]) -> str:
        """All sounds of some of the words in one."""
        sounds = [
            sound for sound, index in zip(self.sounds, self.word_indices, strict=True) if index in range(*words_at)
        ]
        return NOT_LETTERS.sub("", "".join(sounds))

    def starts_word(self, sound: int) -> bool:
        """Whether a word starts with the sound of this index, or all words end before it."""
        return not 0 < sound < len(self.sounds) or self.word_indices[sound] != self.word_indices[sound - 1]

    def word_index(self, sound: int) -> int:
        """The index of the word that starts with this sound; a word without a sound belongs to the one before it."""
        if 0 < sound == len(self.sounds):
            return len(self.words)
        return self.word_indices[sound] if sound else 0


# Pairing the sounds of both texts


def _span_starts(hyp: PhoneticText, ref: PhoneticText) -> Iterator[tuple[int, int]]:
    """The word indices, in both texts, at which a new span starts; the last ones are the texts' ends.

    Between two equal sounds, equally many sounds on both sides are paired one by one; else all are one span.
    """
    hyp_done = ref_done = 0
    matches = [*_match_sounds(hyp.sounds, ref.sounds), (len(hyp.sounds), len(ref.sounds))]
    for hyp_match, ref_match in matches:
        hyp_gap, ref_gap = hyp_match - hyp_done, ref_match - ref_done
        starts = hyp_gap if hyp_gap == ref_gap else min(hyp_gap + ref_gap, 1)
        pairs = [(hyp_done + offset, ref_done + offset) for offset in range(starts)]
        if hyp_match < len(hyp.sounds):
            pairs.append((hyp_match, ref_match))
        for hyp_sound, ref_sound in pairs:
            if hyp.starts_word(hyp_sound) and ref.starts_word(ref_sound):
                yield hyp.word_index(hyp_sound), ref.word_index(ref_sound)
        hyp_done, ref_done = hyp_match + 1, ref_match + 1
    yield len(hyp.words), len(ref.words)


def _match_sounds(hypothesis: Sequence[str], reference: Sequence[str]) -> list[tuple[int, int]]:
    """The indices, in both, of equal sounds on the cheapest path: the weighted edit distance by dynamic programming.

    The time is proportional to the product of their lengths; difflib's is up to the square of that.
    """
    costs = [INDEL_COST * column for column in range(len(reference) + 1)]  # of the cheapest path to each column
    steps = []  # for each row, the last step of the cheapest path to each column
    for row, sound in enumerate(hypothesis, 1):
        costs_above, left = costs, INDEL_COST * row
        costs, row_steps = [left], bytearray([UP])
        for column, other in enumerate(reference, 1):
            diagonal = costs_above[column - 1] + (0 if sound == other else SUBSTITUTION_COST)
            up, left = costs_above[column] + INDEL_COST, left + INDEL_COST
            cheapest = min(diagonal, up, left)
            # Of equally cheap paths the one whose matches come early.
            row_steps.append(LEFT if cheapest == left else UP if cheapest == up else DIAGONAL)
            costs.append(left := cheapest)
        steps.append(row_steps)
    return _matches_on_path(hypothesis, reference, steps)


def _matches_on_path(
    hypothesis: Sequence[str], reference: Sequence[str], steps: Sequence[bytearray]
) -> list[tuple[int, int]]:
    """Follows the steps back from the end of both."""
    matches, row, column = [], len(hypothesis), len(reference)
    while row and column:
        step = steps[row - 1][column]
        row, column = row - (step != LEFT), column - (step != UP)
        if step == DIAGONAL and hypothesis[row] == reference[column]:
            matches.append((row, column))
    return matches[::-1]


# From words to sounds


def _sounds(word: str, other_words: str, is_day: bool) -> Iterator[str]:
    """The sounds of a word, each as the first of its homophones."""
    for part in HYPHENS.split(_normalize(word)):
        forms = [*spoken_forms(OUTER_PUNCTUATION.sub("", part)), *spell_out(part)]
        if is_day:
            forms.insert(0, ordinal(forms[0]))
        spoken_form = next((form for form in forms if f" {form} " in other_words), forms[0])
        yield from _homophones(spoken_form)


def _homophones(text: str) -> Iterator[str]:
    """The sounds of words that are spelt out."""
    for word in text.split():
        yield from (HOMOPHONES.get(sound, sound) for sound in _expand_contraction(word).split())


def _days(words: Sequence[str]) -> set[int]:
    """The indices of the words that are the day of a date in digits, as in "3 May" and "May the 3"."""
    texts = ["", "", *(_normalize(word) for word in words), "", ""]
    days = set()
    for at in range(2, len(texts) - 2):
        word_before = texts[at - 2] if texts[at - 1] == "the" else texts[at - 1]
        word_after = texts[at + 2] if texts[at + 1] == "of" else texts[at + 1]
        if DAY.fullmatch(texts[at]) and not {word_before, word_after}.isdisjoint(MONTHS):
            days.add(at - 2)
    return days


def _without_words_of_dates(sounds: list[tuple[str, int]]) -> list[tuple[str, int]]:
    """The sounds without those that are spoken in a date but not written: "the third of May" is "third May"."""
    texts = ["", "", *(sound for sound, _ in sounds), "", "", ""]
    silent = set()
    for at in range(2, len(texts) - 3):
        if texts[at] not in DAY_SPELLINGS:
            continue
        start = at - 1 if texts[at - 1] in {"twenty", "thirty"} else at
        has_the, has_of = texts[start - 1] == "the", texts[at + 1] == "of"
        if texts[at + 1 + has_of] in MONTHS:
            silent |= {start - 1} if has_the else set()
            silent |= {at + 1} if has_of else set()
        elif has_the and texts[start - 2] in MONTHS:
            silent.add(start - 1)
    return [each for number, each in enumerate(sounds, start=2) if number not in silent]


def _expand_contraction(word: str) -> str:
    for contraction, full in FINAL_CONTRACTIONS:
        word = contraction.sub(full, word)
    return word


def _normalize(word: str) -> str:
    word = OUTER_PUNCTUATION.sub("", word.translate(STRAIGHT_QUOTES).casefold())
    return word.replace(".", "") if INITIALS.fullmatch(word) else word


def sounds_without_apostrophes(text: str) -> list[str]:
    """The sounds of the words when "they're" is read like "there"."""
    words = (NOT_LETTERS.sub("", word) for word in text.casefold().split())
    return [HOMOPHONES.get(word, word) for word in words]


# Numbers as English speaks them: a recogniser writes "20" where the text has "twenty", or the other way round


def spoken_forms(word: str) -> list[str]:
    """How a word with digits in it may be spoken, the usual way first; of a word without digits, itself alone."""
    if not re.search("[0-9]", word):
        return [word]
    if full_hour := FULL_HOUR.fullmatch(word):
        hour = cardinal(int(full_hour[1]))
        return [f"{hour} o'clock", hour]
    parts = [_spoken_part(part) for part in NUMBER_OR_LETTERS.findall(word)]
    count = max(map(len, parts), default=0)
    forms = (" ".join(part[min(index, len(part) - 1)] for part in parts) for index in range(count))
    return list(dict.fromkeys(forms))


def _spoken_part(part: str) -> list[str]:
    number = NUMBER.fullmatch(part)
    if not number:
        return [part]
    sign, integer, fraction, ending = number.groups()
    digits = integer.replace(",", "")
    forms = [digit_by_digit(digits)] if len(digits) > MAX_CARDINAL_DIGITS else _cardinal_forms(digits)
    if fraction:
        forms = [f"{form} point {digit_by_digit(fraction)}" for form in forms]
    if ending and ending != "%":
        forms = [ordinal(form) for form in forms]
    unit = UNITS.get(sign) or UNITS.get(ending or "")
    return [f"{form} {unit}" for form in forms] if unit else forms


def _cardinal_forms(digits: str) -> list[str]:
    """With and without "and"; four digits also in pairs, as years are; and digit by digit, as telephone numbers are."""
    number = int(digits)
    plain = cardinal(number)
    with_and = re.sub(r"(hundred|thousand) (?!thousand|million|billion)(?=\S+( \S+)?$)", r"\1 and ", plain)
    forms = [plain, with_and, re.sub(r"^one (?=hundred|thousand)", "a ", with_and)]
    if len(digits) == 4 and number % 100 and number // 100 > 9:
        last_pair = cardinal(number % 100) if number % 100 > 9 else f"oh {cardinal(number % 100)}"
        forms.append(f"{cardinal(number // 100)} {last_pair}")
    return [*forms, digit_by_digit(digits), digit_by_digit(digits).replace("zero", "oh")]

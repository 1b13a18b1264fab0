"""Text to the phonemes that Kokoro was trained with: Chinese from pinyin, English from hibari's rules.

Both are written in one alphabet, mostly IPA. An arrow after a vowel is the tone of a Chinese syllable.
"""

import re
from collections.abc import Callable

from worker_tts.kokoro.pinyin import PinyinReader

TONES = {"1": "→", "2": "↗", "3": "↓", "4": "↘", "5": ""}
TONE = "0"
# Of each initial and final, as pinyin spells it, the phonemes; 0 is the tone's place.
INITIAL_TABLE = "b:p p:pʰ m:m f:f d:t t:tʰ n:n l:l g:k k:kʰ h:x j:ʨ q:ʨʰ x:ɕ zh:ꭧ ch:ꭧʰ sh:ʂ r:ɻ z:ʦ c:ʦʰ s:s :"
FINAL_TABLE = """
a:a0 ai:ai0 an:a0n ang:a0ŋ ao:au0 e:ɤ0 ei:ei0 en:ə0n eng:ə0ŋ er:ɚ0 ê:ɛ0 o:wo0 ou:ou0 ong:ʊ0ŋ
i:i0 ia:ja0 ian:jɛ0n iang:ja0ŋ iao:jau0 ie:je0 in:i0n ing:i0ŋ io:jɔ0 iu:jou0 iou:jou0 iong:jʊ0ŋ
u:u0 ua:wa0 uai:wai0 uan:wa0n uang:wa0ŋ ui:wei0 uei:wei0 un:wə0n uen:wə0n ueng:wə0ŋ uo:wo0
v:y0 ve:ɥe0 van:ɥɛ0n vn:y0n
"""
INITIALS, FINALS = (dict(pair.split(":") for pair in table.split()) for table in (INITIAL_TABLE, FINAL_TABLE))
WHOLE_SYLLABLES = {"m": "m0", "n": "n0", "ng": "ŋ0", "hm": "hm0", "hng": "hŋ0", "o": "ɔ0"}
SYLLABLE = re.compile(r"(zh|ch|sh|[bpmfdtnlgkhjqxrzcs]?)(.+)")
BUZZING_INITIALS = frozenset(("zh", "ch", "sh", "r", "z", "c", "s"))  # before i, which is not a vowel there

CHINESE = r"\u3007\u3400-\u4dbf\u4e00-\u9fff"
PIECES = re.compile(rf"[{CHINESE}]+|[^\W_{CHINESE}](?:[^{CHINESE}，。！？；：、]*[^\W_{CHINESE}])?|.", re.DOTALL)
IS_CHINESE = re.compile(rf"[{CHINESE}]")
PAUSES = {
    **dict.fromkeys("，、,—→", ","),
    **dict.fromkeys("。．.", "."),
    "！": "!",
    "!": "!",
    "？": "?",
    "?": "?",
    "；": ";",
    ";": ";",
    "：": ":",
    ":": ":",
    "…": "…",
}
DIGITS = "零一二三四五六七八九"
POWERS = ("", "十", "百", "千")
NUMBER = re.compile(r"\d+")


def has_chinese(text: str) -> bool:
    """Whether one of its letters is a Chinese character."""
    return IS_CHINESE.search(text) is not None


def to_phonemes(text: str, reader: PinyinReader, read_english: Callable[[str], str]) -> str:
    """The phonemes of a sentence; `read_english` gives those of the English words in it."""
    text = NUMBER.sub(lambda match: say_number(match[0]), text) if has_chinese(text) else text
    phonemes = ""
    for piece in PIECES.findall(text):
        if IS_CHINESE.match(piece):
            phonemes += "".join(map(say_syllable, reader.read(piece)))
        elif piece[0].isalnum():
            phonemes += f" {read_english(piece).strip(' .')} "
        elif piece in PAUSES:
            phonemes = f"{phonemes.rstrip(' ,;:')}{PAUSES[piece]} "
    return " ".join(phonemes.split()).lstrip(",.;:!?… ")


def say_syllable(syllable: str) -> str:
    """The phonemes of one syllable, such as `hao3`; none for what standard Chinese does not have."""
    letters, tone = syllable[:-1], TONES.get(syllable[-1:], "")
    if letters in WHOLE_SYLLABLES:
        return WHOLE_SYLLABLES[letters].replace(TONE, tone)
    match = SYLLABLE.fullmatch(spell_out(letters))
    if match is None or match[2] not in FINALS:
        return ""
    initial, final = match[1], match[2]
    vowel = f"ɨ{TONE}" if final == "i" and initial in BUZZING_INITIALS else FINALS[final]
    return INITIALS[initial] + vowel.replace(TONE, tone)


def spell_out(letters: str) -> str:
    """Without the spelling rules that hide the final: yi is i, wu is u, yue is ve, juan is jvan."""
    if letters.startswith("yu"):
        return "v" + letters[2:]
    if letters[0] in "yw":
        vowel = "i" if letters[0] == "y" else "u"
        return letters[1:] if letters[1:2] == vowel else vowel + letters[1:]
    return letters[0] + "v" + letters[2:] if letters[0] in "jqx" and letters[1:2] == "u" else letters


def say_number(digits: str) -> str:
    """A number in Chinese characters, up to 9999; a longer one, or one with a leading zero, digit by digit."""
    if len(digits) > len(POWERS) or (digits.startswith("0") and len(digits) > 1):
        return "".join(DIGITS[int(digit)] for digit in digits)
    text, is_zero_due = "", False
    for place, digit in enumerate(map(int, digits)):
        if digit:
            text += ("零" if is_zero_due and text else "") + DIGITS[digit] + POWERS[len(digits) - 1 - place]
        is_zero_due = digit == 0
    return re.sub("^一十", "十", text) or DIGITS[0]

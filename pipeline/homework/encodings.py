"""In which encoding the names of a class are written, when nothing says so: class lists and the names in a ZIP.

Bytes that are text in one encoding are mostly text in others too, only without sense: Big5 and Cyrillic read as
GB18030 give rare characters. So what is decoded has to look like names, or else the encoding counts as unknown.
"""

import re
import unicodedata
from collections.abc import Callable, Iterable, Sequence

from pipeline.text.characters import can_decode

CHINESE_ENCODINGS = ("gb18030", "big5hkscs")  # of Windows in China, and in Taiwan and Hong Kong
# Of names in a ZIP that are neither UTF-8 nor of the usual encodings: East Asia, Windows in Europe, DOS in Europe
OTHER_ENCODINGS = (
    *(*CHINESE_ENCODINGS, "cp949", "cp932"),
    *("cp1252", "cp1250", "cp1251", "cp1253", "cp1254", "cp1257", "cp1258", "cp874"),
    *("cp437", "cp850", "cp852", "cp866", "cp857", "cp737", "koi8_r"),
)
MAX_SAMPLED_NAMES = 200  # from which the encoding of a ZIP is chosen

# The most frequent Chinese family names, simplified and traditional. They begin about nine of ten names.
SURNAMES = frozenset(
    "王李张刘陈杨黄赵吴周徐孙马朱胡郭何林罗高梁郑谢宋唐许韩冯邓曹彭曾肖田董袁潘于蒋蔡余杜叶程苏魏吕丁任沈姚卢姜崔钟谭"
    "陆汪范金石廖贾夏韦付方白邹孟熊秦邱江尹薛闫段雷侯龙史陶黎贺顾毛郝龚邵万钱严覃武戴莫孔向汤温康施文牛樊葛邢安齐易乔伍"
    "庞颜倪庄聂章鲁岳翟殷詹申欧耿关兰焦俞左柳甘祝包宁尚符舒阮柯纪梅童凌毕单季裴霍涂成苗谷盛曲翁冉骆蓝路游辛靳"
    "張劉陳楊黃趙吳孫馬羅鄭謝許韓馮鄧葉蘇魏呂盧鐘鍾譚陸範賈韋鄒龍賀顧龔萬錢嚴湯齊喬龐顏莊聶魯岳歐關蘭寧紀畢單塗駱藍遊"
)
HAN_NAME = re.compile(r"(?<![\u3400-\u9fff])[\u3400-\u9fff]{2,4}(?![\u3400-\u9fff])")
MIN_SURNAME_SHARE = 1 / 3  # of the short runs of Han characters: titles of columns and names of classes are among them


def choose_chinese_encoding(data: bytes, reads_title: Callable[[str], bool]) -> str | None:
    """The one encoding in which `data` has a title that `reads_title` knows, or else Chinese names; None if unclear."""
    texts = {name: data.decode(name) for name in CHINESE_ENCODINGS if can_decode(data, name)}
    readable_texts = {name: text for name, text in texts.items() if not any(map(is_unreadable, text))}
    for has_sense in (reads_title, has_chinese_names):
        plausible = [name for name, text in readable_texts.items() if has_sense(text)]
        if plausible:
            return plausible[0] if len(plausible) == 1 else None
    return None


def has_chinese_names(text: str) -> bool:
    names = HAN_NAME.findall(text)
    return bool(names) and sum(name[0] in SURNAMES for name in names) >= MIN_SURNAME_SHARE * len(names)


def is_unreadable(character: str) -> bool:
    """Whether it is what wrong decoding gives: for private use, unassigned, or the replacement character."""
    return unicodedata.category(character) in ("Co", "Cn") or character == "\ufffd"


def choose_encoding_of_names(
    names: Iterable[bytes], encodings: Sequence[str], is_known: Callable[[str], bool]
) -> tuple[str, ...]:
    """The encodings to try for these names, in order: `encodings`, after the one in which the most names are known."""
    sample = list(names)[:MAX_SAMPLED_NAMES]

    def count_known(order: Sequence[str]) -> int:
        return sum(is_known(decode_first(name, order)) for name in sample)

    orders = [tuple(encodings), *((encoding, *encodings) for encoding in OTHER_ENCODINGS)]
    return max(orders, key=count_known)


def decode_first(name: bytes, encodings: Sequence[str]) -> str:
    """In the first of the encodings in which it is valid; the last one must be one in which everything is."""
    return name.decode(next(encoding for encoding in encodings if can_decode(name, encoding)))

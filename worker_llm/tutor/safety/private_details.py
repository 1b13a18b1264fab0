# ruff: noqa: E501 (a pattern is read best on one line)
"""Private details that a child gives away: a phone number, an address, an e-mail, the school with the class, an ID."""

import re
import unicodedata

from worker_llm.tutor.safety.danger import load_replies

DIGIT_WORDS = "zero|oh|o|one|two|three|four|five|six|seven|eight|nine|double|triple"
NUMBER_WORDS = (  # of a house or room; never alone, since they stand in many sentences
    r"(?:(?:one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|thirteen|fourteen|fifteen|sixteen|seventeen|"
    r"eighteen|nineteen|twenty|thirty|forty|fifty|sixty|seventy|eighty|ninety|hundred|and|oh|zero)[ -]?){1,7}\b"
)
STREET = (
    "street|st|road|rd|avenue|ave|lane|drive|square|boulevard|terrace|crescent|close|way|alley|building|apartment|flat|"
    "block|court|garden|gardens"
)
CHINESE_DIGITS = "零〇一二三四五六七八九幺两0-9"
MINE = r"(?:my|our|his|her|i|we|me)"
SCHOOL = r"(?:primary|middle|high|elementary|secondary|experimental|international|junior|senior|foreign language)"

ENGLISH = (
    r"[\w.+-]{1,40} ?(?:@| at ) ?[\w-]+ ?(?:\.| dot ) ?(?:com|cn|net|org|edu|co|uk|de|fr|jp|io|me|info)\b",  # an e-mail
    r"(?<![\d.,$€£¥])(?:\+?\d[ -]?){7,14}\d(?![\d.,]*\d)",  # a phone number: 8 digits or more, also grouped
    r"\b\d{3}[ -]\d{4}\b",
    r"\b(?:phone|telephone|mobile|cell|number|call me|whatsapp|wechat|qq)\b[^.!?\n]{0,30}?(?:\d[ -]?){5,}",
    rf"\b(?:phone|telephone|mobile|cell|number|call me|wechat|qq)\b[^.!?\n]{{0,30}}?(?:\b(?:{DIGIT_WORDS})\b[ ,-]*){{5,}}",
    rf"(?:\b(?:{DIGIT_WORDS})\b[ ,-]*){{7,}}",  # a number said digit by digit
    r"\b(?:my|our) (?:wechat|qq|whatsapp|snapchat|instagram|line)(?: id| number| name| account)? is [\w.-]{4,}",
    rf"\b(?:live|lives|living|address|home|house)\b[^.!?\n]{{0,40}}?\b(?:number |no\.? ?)?\d+[a-z]?,? (?:(?!minutes?|rooms?|floors?|hours?|of|from|and|the|with|metres?)[a-z]+ ){{1,3}}?(?:{STREET})\b",
    rf"\b(?:live|lives|living|address|home|house)\b[^.!?\n]{{0,40}}?\b(?:[a-z]+ ){{1,2}}?(?:{STREET}),? (?:number |no\.? ?)?\d+\b",
    rf"\b(?:live|lives|living|address|home|house)\b[^.!?\n]{{0,40}}?\b(?:at|number|no)\.? (?:number )?{NUMBER_WORDS} ?"
    rf"(?:(?!minutes?|o'clock|i|of|the|with|rooms?)[a-z]+ ){{1,3}}?(?:{STREET})\b",
    rf"\b(?:live|lives|living|address|home)\b[^.!?\n]{{0,40}}?\b[a-z]+ (?:{STREET}),? number {NUMBER_WORDS}",
    rf"\b(?:live|lives|living|address|home)\b[^.!?\n]{{0,40}}?\b(?:room|apartment|flat|unit|building) {NUMBER_WORDS}[^.!?\n]{{0,40}}?"
    r"\b(?:street|road|avenue|building|block|lane|district|community|garden)\b",
    rf"\b(?:house|flat|room|apartment) number is (?:\d|{NUMBER_WORDS})",
    rf"\b(?:door|house|lock|gate|alarm|phone|bank|card)(?: \w+)?(?: code| password| pin)\b[^.!?\n]{{0,12}}?(?:\d{{3,}}|(?:\b(?:{DIGIT_WORDS})\b ?){{3,}})",
    r"\b(?:code|password|pin) (?:of|for) (?:our|my|the) [^.!?\n]{0,20}?\d{3,}",
    r"\b(?:live|lives|living|address|home)\b[^.!?\n]{0,40}?\b(?:room|apartment|flat|unit|building|block|house number|number) \d+[^.!?\n]{0,40}?"
    r"\b(?:street|road|avenue|building|block|room|lane|district|community|garden|floor)\b",
    r"\b(?:my|our|the) (?:home |house )?address is\b[^.!?\n]*\w",
    rf"\b(?:my name is|i am|i'm|im|i study|i go|i'm studying|we are|my school|study|go to)\b[^.!?\n]{{0,40}}?\b[a-z0-9]+ {SCHOOL} school\b"
    r"[^.!?\n]{0,30}?\b(?:class|grade)\b ?(?:\d+|[a-d]\b|one|two|three|four|five|six|seven|eight|nine)",
    rf"\b(?:class|grade) (?:\d+|one|two|three|four|five|six|seven|eight|nine)\b[^.!?\n]{{0,30}}?\b(?:at|in|of|from) "
    rf"(?:the )?[a-z0-9]+(?: [a-z0-9]+)? ?{SCHOOL} school\b",
    rf"\b(?:study|go|am|student)\b[^.!?\n]{{0,20}}?\b(?:no\.? ?|number )?\d+ {SCHOOL} school\b[^.!?\n]{{0,40}}?\b(?:class|grade)\b",
    r"\b(?:my|our) (?:id|identity|passport|id card|student|social security)(?: card)?(?: number| no)?\.? ?(?:is|:)? ?[a-z]?\d{5,}",
    r"\b(?:my|our) password is\b[^.!?\n]*\w",
    r"\b\d{17}[\dx]\b",  # a Chinese identity number
)
CHINESE = (
    r"(?<!\d)1[3-9]\d(?:[ -]?\d{4}){2}(?!\d)",  # a mobile number
    rf"(?:电话|電話|手机|手機|号码|號碼|微信|QQ|qq|打给我|打給我)[^。！？\n]{{0,12}}?(?:[{CHINESE_DIGITS}][ ,，、-]{{0,2}}){{5,}}",
    r"[幺一1][三四五六七八九3-9](?:[零〇一二三四五六七八九幺两]){9}",
    r"(?:微信|微信号|QQ)(?:号|号码)?(?:是|为|:|：) ?[A-Za-z0-9_-]{5,}",
    r"(?:住|家|地址|家在)[^。！？\n]{0,24}?(?:路|街|巷|弄|大道|胡同|小区|花园|村|公寓)[^。！？\n]{0,12}?"
    rf"[{CHINESE_DIGITS}百十]+ ?(?:号|號|栋|棟|单元|單元|室|楼|樓|幢|座)",
    rf"(?:住|家|地址)[^。！？\n]{{0,20}}?[{CHINESE_DIGITS}十]+ ?(?:号楼|栋|棟|单元|單元|幢)[^。！？\n]{{0,10}}?[{CHINESE_DIGITS}十百]+",
    r"(?:我家|我们家|家庭|我的)(?:的)?(?:地址|住址)(?:是|在)[^。！？\n]{3,}",
    rf"(?:小学|中学|初中|高中|附小|附中|实验学校|學校|学校)[^。！？\n]{{0,8}}?[{CHINESE_DIGITS}十初高]+ ?(?:年级|年級)?[（(]?[{CHINESE_DIGITS}十]+ ?[）)]?班",
    r"(?:小学|中学|初中|高中|附小|附中)[^。！？\n]{0,6}?[一二三四五六七八九1-9]年级",
    r"(?:身份证|身份證|护照|護照|学籍)(?:号|號)?(?:码|碼)?(?:是|为|:|：)? ?[A-Za-z0-9]{6,}",
    r"密码(?:是|为|:|：) ?\w+",
)
PATTERN = re.compile("|".join([*ENGLISH, *CHINESE]))
# What has many digits and tells nobody where a child is: dates, times, prices, large numbers.
ORDINARY = re.compile(
    r"\b(?:19|20)\d\d[-/.年 ]\d{1,2}[-/.月 ]\d{1,2}日?|\b\d{1,2}[-/. ]\d{1,2}[-/. ](?:19|20)\d\d\b|\b(?:19|20)\d\d ?[-–] ?(?:19|20)\d\d\b"
    r"|\b\d{1,2}:\d\d(?::\d\d)?|[$€£¥] ?[\d,. ]+|\b\d{1,3}(?:,\d{3})+|\b[\d.]+ ?(?:yuan|dollars|euros|pounds|people|metres|meters|kilometres|km|kg|%|years|rmb)\b"
    r"|[\d.]+ ?(?:元|块|人|米|公里|岁|年前)|3\.14\d*"
    r"|(?<!\w )\bone,? two,? three,? four,? five(?:,? six)?(?:,? seven)?(?:,? eight)?(?:,? nine)?(?:,? ten)?|(?<!\d[ -])\b1[, ]+2[, ]+3[, ]+4[, ]+5[, \d]*"
    r"|(?:[一二三四五六七八九][,，、 ]){3,}[一二三四五六七八九十]?|(?<![一二三四五六七八九])一二三四五(?:六)?(?:七)?(?:八)?(?:九)?(?:十)?"
)


def find_private_details(text: str) -> bool:
    """Whether the text gives away a phone number, an address, an e-mail, a school with its class, an ID or password."""
    plain = unicodedata.normalize("NFKC", text).lower()
    return bool(PATTERN.search(ORDINARY.sub(" ; ", plain)))


def private_details_reply() -> tuple[str, str]:
    """The fixed words that ask not to tell such things, in English and in Chinese; they stand beside the answer."""
    reply = load_replies()["private_details"]
    return reply["en"], reply["zh"]

"""Chinese as learners write and recognisers hear it, in the form that the patterns of study plans have."""

import re
import unicodedata

# The traditional characters of requests and answers, and what they are in simplified ones.
PAIR_LIST = """
個个 這这 週周 學学 習习 計计 劃划 畫画 幫帮 給给 設设 訂订 擬拟 禮礼 請请 練练 該该 麼么 麽么 們们
來来 為为 語语 說说 會会 點点 鐘钟 鍾钟 時时 間间 兩两 幾几 難难 話话 詞词 單单 發发 聽听 讀读 寫写
複复 麗丽 煩烦 應应 當当 業业 後后 進进 還还 邊边 樣样 沒没 將将 讓让 從从 嗎吗 覺觉 麵面 議议 強强
鞏巩 轉转 訓训 歡欢 萬万 隨随 書书 課课 閱阅 聲声 遊游 誰谁 與与 錯错 記记 憶忆 動动
態态 數数 過过 問问 級级 較较 準准 連连 頂顶 熱热 軸轴 師师 滿满 營营 種种 關关
"""
TO_SIMPLIFIED = str.maketrans({pair[0]: pair[1] for pair in PAIR_LIST.split()})
# What a recogniser writes in place of words that sound alike; heard so from Whisper base, or likely.
MISHEARD = (
    (re.compile("计画|计化|记划|计话|纪划"), "计划"),
    (re.compile("营改|应改|因该|营该|英该"), "应该"),
    (re.compile("(?<=[周期拜我])改(?=练|学|复习|怎)"), "该"),
    (re.compile("(?:这|热|着|者)(?:州|洲|舟|粥|轴|昼|皱)|这种(?=应|该|改|要|怎|练|学|复)"), "这周"),
    (re.compile("神满|什满|神么|什吗|神马|甚么"), "什么"),
    (re.compile("(?:顶|登|应|英|因|鹰)(?:与|雨|宇|于)(?=学|的|计|练|单|水)"), "英语"),
    (re.compile("[师时十实]太|时代(?=和|、|，|很|$)"), "时态"),
    (re.compile("[借介界][此词辞]"), "介词"),
    (re.compile("[关官管]词"), "冠词"),
)
PAUSE = re.compile(r"[\s、“”\"'《》（）()~～…—-]+")
CHINESE = re.compile(r"[\u4e00-\u9fff]")
DIGITS = {digit: number for number, digit in enumerate("零一二三四五六七八九")} | {"两": 2}
NAMES_OF_DIGITS = "零一二三四五六七八九"


def has_chinese(text: str) -> bool:
    return CHINESE.search(text) is not None


def simplify(text: str) -> str:
    """In simplified characters and lower case, without spaces and quotation marks; commas and end marks stay.

    Words that recognisers mishear are put right, as far as they matter to a study plan: it is for no learner to read.
    """
    simplified = PAUSE.sub("", unicodedata.normalize("NFKC", text).lower().translate(TO_SIMPLIFIED))
    for pattern, word in MISHEARD:
        simplified = pattern.sub(word, simplified)
    return simplified


def read_number(text: str) -> int:
    """The number of Chinese numerals below a thousand, such as 十五, 二十 or 一百二十."""
    total = 0
    for unit, name in ((100, "百"), (10, "十")):
        before, sign, after = text.partition(name)
        if sign:
            total += unit * DIGITS.get(before[-1:], 1)
            text = after
    return total + DIGITS.get(text[-1:], 0)


def write_number(number: int) -> str:
    """The Chinese numerals of a number below a thousand, which a Chinese voice reads rightly."""
    hundreds, tens, ones = number // 100, number // 10 % 10, number % 10
    text = f"{NAMES_OF_DIGITS[hundreds]}百" if hundreds else ""
    if tens:
        text += f"{'' if tens == 1 and not hundreds else NAMES_OF_DIGITS[tens]}十"
    elif hundreds and ones:
        text += "零"
    return text + (NAMES_OF_DIGITS[ones] if ones or not number else "")

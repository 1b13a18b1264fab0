"""How numbers are spoken: written forms with what must be said."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.text.number_words import write_numbers
from pipeline.text.numbers import cardinal
from worker_tts.text_cleaning import SCRIPTS, clean_text, split_by_language

LATIN = frozenset({"LATIN"})
SPOKEN_FORMS = """
# integers
0 | zero
7 | seven
12 | twelve
21 | twenty one
40 dogs | forty dogs
100 | one hundred
105 | one hundred five
999 | nine hundred ninety nine
1000 | one thousand
1,000 | one thousand
1,234 | one thousand two hundred thirty four
3456 people | three thousand four hundred fifty six people
12,345 | twelve thousand three hundred forty five
1 000 | one thousand
2 500 000 | two million five hundred thousand
2 500 | two thousand five hundred
10 000 | ten thousand
1,00,000 | one hundred thousand
1,000,000 | one million
1000000 | one million
7,900,000,000 | seven billion nine hundred million
1,000,000,000,000 | one trillion
1,2,3 | one, two, three
I have 2 cats and 13 fish. | I have two cats and thirteen fish.
３ dogs | three dogs
٣ dogs | three dogs
① | one
5, 6 or 7 | five, six or seven
(8) | (eight)
# leading zeros and codes, digit by digit
00 | zero zero
05 | zero five
007 | zero zero seven
0012 | zero zero one two
000 | zero zero zero
number 0450 | number zero four five zero
1234567890123 | one two three four five six seven eight nine zero one two three
code 4711 | code four seven one one
Code: 12 34 | Code: one two, three four
your PIN is 1984 | your PIN is one nine eight four
password 1999 | password one nine nine nine
zip 90210 | zip nine zero two one zero
flight 815 | flight eight one five
CA1234 | CA one two three four
# telephone numbers
138-0013-8000 | one three eight, zero zero one three, eight zero zero zero
138 0013 8000 | one three eight, zero zero one three, eight zero zero zero
13800138000 | one three eight zero zero one three eight zero zero zero
+86 138 0013 8000 | plus eight six, one three eight, zero zero one three, eight zero zero zero
+8613800138000 | plus eight six one three eight zero zero one three eight zero zero zero
+44 20 7946 0958 | plus four four, two zero, seven nine four six, zero nine five eight
+1 (555) 123-4567 | plus one, five five five, one two three, four five six seven
(555) 123-4567 | five five five, one two three, four five six seven
(010) 6552 9988 | zero one zero, six five five two, nine nine eight eight
555-1234 | five five five, one two three four
555-123-4567 | five five five, one two three, four five six seven
555.123.4567 | five five five, one two three, four five six seven
1-800-555-0199 | one, eight zero zero, five five five, zero one nine nine
010-12345678 | zero one zero, one two three four five six seven eight
0755-8888888 | zero seven five five, eight eight eight eight eight eight eight
020 7946 0958 | zero two zero, seven nine four six, zero nine five eight
Call 110. | Call one one zero.
Dial 999 now | Dial nine nine nine now
tel: 8765 4321 | tel: eight seven six five, four three two one
978-7-111-12345-6 | nine seven eight, seven, one one one, one two three four five, six
4111 1111 1111 1111 | four one one one, one one one one, one one one one, one one one one
# decimals
.5 | point five
0.5 | zero point five
3.14 | three point one four
3.50 | three point five zero
10.05 | ten point zero five
1,234.56 | one thousand two hundred thirty four point five six
It is .75 long. | It is point seven five long.
.05 and .005 | point zero five and point zero zero five
He ran 9.58. | He ran nine point five eight.
0.001 | zero point zero zero one
# signs
-5 | minus five
−5 | minus five
-0.5 | minus zero point five
-.5 | minus point five
+5 | plus five
±5 | plus or minus five
≥ 5 | greater than or equal to five
≥5 | greater than or equal to five
≤ 10 | less than or equal to ten
x ≥ 18 | x greater than or equal to eighteen
< 5 | less than five
> 100 | greater than one hundred
≈ 3 | about three
~5 | about five
≠ 0 | not equal to zero
18+ | eighteen plus
√9 | the square root of nine
#1 | number one
# 7 | number seven
№ 5 | number five
§ 5 | section five
No. 5 | number five
a ≥ b | a greater than or equal to b
What % is it? | What percent is it?
# arithmetic
2 + 2 = 4 | two plus two equals four
2+2=4 | two plus two equals four
5 - 3 = 2 | five minus three equals two
5-3=2 | five minus three equals two
10 - 4 | ten minus four
3 × 4 = 12 | three times four equals twelve
3*4=12 | three times four equals twelve
8 ÷ 2 = 4 | eight divided by two equals four
6/2=3 | six divided by two equals three
3 > 2 | three greater than two
5² | five squared
2³ = 8 | two cubed equals eight
10⁶ | ten to the power of six
2^10 | two to the power of ten
10⁻³ | ten to the power of minus three
1920x1080 | nineteen twenty by one thousand eighty
4 x 6 | four by six
# fractions
½ | one half
¼ | one quarter
¾ cup | three quarters cup
⅓ | one third
⅔ | two thirds
⅛ | one eighth
1/2 | one half
3/4 | three quarters
2/3 | two thirds
7/10 | seven tenths
5½ | five and a half
2 1/2 | two and a half
1¼ | one and a quarter
3 2/3 cups | three and two thirds cups
1/100 | one one hundredth
24/7 | twenty four seven
# percent
5% | five percent
50 % | fifty percent
3.5% | three point five percent
.5% | point five percent
-2% | minus two percent
100% | one hundred percent
５０％ | fifty percent
5-10% | five to ten percent
3‰ | three per mille
# money
$5 | five dollars
$1 | one dollar
$5.50 | five dollars and fifty cents
$1.01 | one dollar and one cent
$0.99 | ninety nine cents
$.50 | fifty cents
$5.00 | five dollars
$1,234.56 | one thousand two hundred thirty four dollars and fifty six cents
$1.5 million | one point five million dollars
$3bn | three billion dollars
$5k | five thousand dollars
$20 million | twenty million dollars
-$5 | minus five dollars
$-5 | minus five dollars
$5-10 | five to ten dollars
$5-$10 | five dollars to ten dollars
50¢ | fifty cents
1¢ | one cent
50 ¢ | fifty cents
£3 | three pounds
£1 | one pound
£5.20 | five pounds and twenty pence
€9.99 | nine euros and ninety nine cents
5€ | five euros
5 € | five euros
¥100 | one hundred yuan
￥100 | one hundred yuan
₩5000 | five thousand won
₹500 | five hundred rupees
฿20 | twenty baht
HK$50 | fifty Hong Kong dollars
US$5 | five US dollars
20 USD | twenty US dollars
RMB 300 | three hundred yuan
$5/kg | five dollars per kilogram
# ranges and scores
5-10 | five to ten
5–10 | five to ten
5 – 10 | five to ten
5~10 | five to ten
５～１０ | five to ten
pages 12-15 | pages twelve to fifteen
1.5-2.5 | one point five to two point five
1990-1995 | nineteen ninety to nineteen ninety five
10-15 kg | ten to fifteen kilograms
500-1000 words | five hundred to one thousand words
won 3-2 | won three to two
a 3:1 score | a three to one score
16:9 | sixteen to nine
2:0 | two to zero
# dates
2024-03-05 | March fifth, twenty twenty four
2024/3/5 | March fifth, twenty twenty four
2024.03.05 | March fifth, twenty twenty four
3/5/2024 | March fifth, twenty twenty four
25/12/2023 | December twenty fifth, twenty twenty three
03/05/24 | March fifth, twenty twenty four
5.3.2024 | March fifth, twenty twenty four
May 5 | May fifth
May 5, 2024 | May fifth, twenty twenty four
May 5th | May fifth
Dec. 25 | December twenty fifth
5 May 2024 | the fifth of May, twenty twenty four
the 5th of May | the fifth of May
5th May | the fifth of May
July 4-6 | July fourth to sixth
on 3/5 | on March fifth
by 12/31 | by December thirty first
# years
2024 | twenty twenty four
1999 | nineteen ninety nine
1905 | nineteen oh five
1900 | nineteen hundred
2000 | two thousand
2005 | two thousand five
2010 | twenty ten
in 1492 | in fourteen ninety two
in 1066 | in ten sixty six
since 1850 | since eighteen fifty
in 2024, we | in twenty twenty four, we
March 2024 | March twenty twenty four
the 1980s | the nineteen eighties
1990's | nineteen nineties
the 90s | the nineties
'80s | eighties
the 2010s | the twenty tens
# times
7:30 | seven thirty
7:05 | seven oh five
7:00 | seven o’clock
12:00 | twelve o’clock
14:30 | fourteen thirty
08:05 | eight oh five
７：３０ | seven thirty
7:30 am | seven thirty A.M.
7:30pm | seven thirty P.M.
7 p.m. | seven P.M.
9am | nine A.M.
at 5 p.m. today | at five P.M. today
9am-5pm | nine A.M. to five P.M.
8-10am | eight to ten A.M.
9:00-17:30 | nine o’clock to seventeen thirty
1:02:03 | one oh two and three seconds
# ordinals
1st | first
2nd | second
3rd | third
4th | fourth
12th | twelfth
20th | twentieth
21st | twenty first
100th | one hundredth
1,000th | one thousandth
the 3rd time | the third time
# units
5 km | five kilometers
5km | five kilometers
1 km | one kilometer
0.5 km | zero point five kilometers
.5 kg | point five kilograms
1.75 m | one point seven five meters
180cm | one hundred eighty centimeters
3 mm | three millimeters
500 g | five hundred grams
2 L | two liters
250 ml | two hundred fifty milliliters
60 km/h | sixty kilometers per hour
60mph | sixty miles per hour
10 m/s | ten meters per second
20 m² | twenty square meters
3 m³ | three cubic meters
10 min | ten minutes
1 min | one minute
24h | twenty four hours
10s | ten seconds
5°C | five degrees Celsius
-5 °C | minus five degrees Celsius
25℃ | twenty five degrees Celsius
98.6°F | ninety eight point six degrees Fahrenheit
90° | ninety degrees
1° | one degree
16GB | sixteen gigabytes
100 Mbps | one hundred megabits per second
220V | two hundred twenty volts
5 kWh | five kilowatt hours
5'10" | five feet ten inches
6 ft | six feet
10 lbs | ten pounds
100 m2 | one hundred square meters
5㎡ | five square meters
5 µg | five micrograms
10 kΩ | ten kilohms
2h30m | two hours thirty minutes
20°C-25°C | twenty degrees Celsius to twenty five degrees Celsius
4x100m | four by one hundred meters
# forms of other languages and of programs
3,5 kg | three point five kilograms
1.234,56 | one thousand two hundred thirty four point five six
1.000.000 | one million
1'000'000 | one million
6.02×10²³ | six point zero two times ten to the power of twenty three
5e-3 | five times ten to the power of minus three
5 >= 3 | five greater than or equal to three
+/- 5 | plus or minus five
‑5 | minus five
∛8 | cube root eight
₿2 | bitcoin two
5万 | fifty thousand
1.5亿 | one hundred fifty million
100元 | one hundred yuan
百分之5 | five percent
零下5度 | minus five degrees
2024年3月5日 | March fifth, twenty twenty four
# versions and names
v2.0.1 | version two point zero point one
version 3.10 | version three point ten
Python 3.11.4 | Python three point eleven point four
v2 | version two
192.168.0.1 | one hundred ninety two point one hundred sixty eight point zero point one
4G | four G
MP3 | MP three
A4 paper | A four paper
COVID-19 | COVID-nineteen
F16 | F sixteen
a 5-year-old girl | a five-year-old girl
Windows 11 | Windows eleven
# rooms
Room 305 | Room three oh five
room 12 | room twelve
room 1204 | room twelve oh four
room 300 | room three hundred
Room 0305 | Room zero three zero five
apartment 21 | apartment twenty one
"""
ROWS = [
    tuple(part.strip() for part in line.rsplit("|", 1))
    for line in SPOKEN_FORMS.splitlines()
    if re.search(r" \| ", line)
]


def speak(text):
    return write_numbers(clean_text(text, LATIN))


def test_there_are_at_least_two_hundred_forms():
    assert len({written for written, _ in ROWS}) >= 200


@pytest.mark.parametrize(("written", "spoken"), ROWS)
def test_a_number_is_spoken_as_it_is_meant(written, spoken):
    assert speak(written) == spoken


@pytest.mark.parametrize(("written", "spoken"), ROWS)
def test_it_is_spoken_the_same_within_a_sentence(written, spoken):
    if not written.endswith(".") and written[0] not in "IH(":
        assert speak(f"She said {written}, and left.") == f"She said {spoken}, and left."


@given(st.text(alphabet="0123456789.,:-/+$%°x ½²kmap'\"()a", max_size=40) | st.text(max_size=60))
def test_no_digit_is_left_to_the_engine(text):
    assert not re.search(r"[0-9]", speak(text))


@given(
    st.integers(0, 999),
    st.sampled_from(["¢", "%", "°", " km", "€", "₫", "th", "+", "²", "‰", " kg", "!", "*", ")", "个"]),
)
def test_a_sign_after_a_number_is_spoken_or_changes_nothing(number, sign):
    said = speak(f"{number}{sign}")
    assert said.startswith(cardinal(number)) or sign == "th"
    assert sign in "!*)个" or said != cardinal(number)


@given(st.lists(st.integers(0, 10**9), min_size=1, max_size=4))
def test_numbers_of_a_list_are_all_spoken_in_order(numbers):
    phone = re.compile("1[3-9][0-9]{9}")
    if not any(phone.fullmatch(str(number)) or 1900 <= number < 2100 for number in numbers):
        assert speak("; ".join(map(str, numbers))) == "; ".join(map(cardinal, numbers))


def test_numbers_are_written_out_in_english_only():
    assert split_by_language(clean_text("I have 50¢ and 我有 50¢ 钱", SCRIPTS), "en") == [
        ("en", "I have fifty cents and"),
        ("zh", "我有 50¢ 钱"),
    ]

"""What stands next to numbers in English text, and how it is spoken: units, currencies, signs, words before them."""

# unit -> singular, plural. A number and a space may stand before each; before those of TIGHT_UNITS no space.
UNITS = {
    "mm": ("millimeter", "millimeters"),
    "cm": ("centimeter", "centimeters"),
    "m": ("meter", "meters"),
    "km": ("kilometer", "kilometers"),
    "ft": ("foot", "feet"),
    "yd": ("yard", "yards"),
    "mi": ("mile", "miles"),
    "mm²": ("square millimeter", "square millimeters"),
    "cm²": ("square centimeter", "square centimeters"),
    "m²": ("square meter", "square meters"),
    "km²": ("square kilometer", "square kilometers"),
    "sq ft": ("square foot", "square feet"),
    "cm³": ("cubic centimeter", "cubic centimeters"),
    "m³": ("cubic meter", "cubic meters"),
    "ha": ("hectare", "hectares"),
    "mg": ("milligram", "milligrams"),
    "g": ("gram", "grams"),
    "kg": ("kilogram", "kilograms"),
    "lb": ("pound", "pounds"),
    "lbs": ("pound", "pounds"),
    "oz": ("ounce", "ounces"),
    "ml": ("milliliter", "milliliters"),
    "mL": ("milliliter", "milliliters"),
    "cl": ("centiliter", "centiliters"),
    "l": ("liter", "liters"),
    "L": ("liter", "liters"),
    "ms": ("millisecond", "milliseconds"),
    "sec": ("second", "seconds"),
    "secs": ("second", "seconds"),
    "min": ("minute", "minutes"),
    "mins": ("minute", "minutes"),
    "hr": ("hour", "hours"),
    "hrs": ("hour", "hours"),
    "km/h": ("kilometer per hour", "kilometers per hour"),
    "kmh": ("kilometer per hour", "kilometers per hour"),
    "kph": ("kilometer per hour", "kilometers per hour"),
    "mph": ("mile per hour", "miles per hour"),
    "m/s": ("meter per second", "meters per second"),
    "m/s²": ("meter per second squared", "meters per second squared"),
    "Hz": ("hertz", "hertz"),
    "kHz": ("kilohertz", "kilohertz"),
    "MHz": ("megahertz", "megahertz"),
    "GHz": ("gigahertz", "gigahertz"),
    "KB": ("kilobyte", "kilobytes"),
    "kB": ("kilobyte", "kilobytes"),
    "MB": ("megabyte", "megabytes"),
    "GB": ("gigabyte", "gigabytes"),
    "TB": ("terabyte", "terabytes"),
    "Mbps": ("megabit per second", "megabits per second"),
    "Gbps": ("gigabit per second", "gigabits per second"),
    "kW": ("kilowatt", "kilowatts"),
    "kWh": ("kilowatt hour", "kilowatt hours"),
    "mAh": ("milliampere hour", "milliampere hours"),
    "kcal": ("kilocalorie", "kilocalories"),
    "cal": ("calorie", "calories"),
    "dB": ("decibel", "decibels"),
    "px": ("pixel", "pixels"),
    "pct": ("percent", "percent"),
    "µm": ("micrometer", "micrometers"),
    "µs": ("microsecond", "microseconds"),
    "µg": ("microgram", "micrograms"),
    "Ω": ("ohm", "ohms"),
    "kΩ": ("kilohm", "kilohms"),
}
UNITS |= {unit.replace("²", "2").replace("³", "3"): names for unit, names in UNITS.items()}
TIGHT_UNITS = {
    "s": ("second", "seconds"),
    "h": ("hour", "hours"),
    "V": ("volt", "volts"),
    "W": ("watt", "watts"),
}
UNITS_AFTER_SLASH = (  # as in "$5/kg"
    *("kg", "g", "l", "L", "m", "km", "m²", "h", "s", "min", "hr", "second", "minute", "hour", "day", "week", "month"),
    *("year", "person", "student", "item"),
)

# sign -> singular, plural, and the same of its hundredth
CURRENCIES = {
    "$": ("dollar", "dollars", "cent", "cents"),
    "US$": ("US dollar", "US dollars", "cent", "cents"),
    "HK$": ("Hong Kong dollar", "Hong Kong dollars", "cent", "cents"),
    "NT$": ("Taiwan dollar", "Taiwan dollars", "cent", "cents"),
    "A$": ("Australian dollar", "Australian dollars", "cent", "cents"),
    "C$": ("Canadian dollar", "Canadian dollars", "cent", "cents"),
    "S$": ("Singapore dollar", "Singapore dollars", "cent", "cents"),
    "£": ("pound", "pounds", "penny", "pence"),
    "€": ("euro", "euros", "cent", "cents"),
    "¥": ("yuan", "yuan", "fen", "fen"),  # learners in China mean it more often than yen
    "₩": ("won", "won", "jeon", "jeon"),
    "₹": ("rupee", "rupees", "paisa", "paise"),
    "₽": ("ruble", "rubles", "kopeck", "kopecks"),
    "₺": ("lira", "lira", "kurus", "kurus"),
    "₫": ("dong", "dong", "xu", "xu"),
    "₱": ("peso", "pesos", "centavo", "centavos"),
    "₪": ("shekel", "shekels", "agora", "agorot"),
    "₴": ("hryvnia", "hryvnias", "kopiyka", "kopiyky"),
    "฿": ("baht", "baht", "satang", "satang"),
}
CURRENCY_CODES = {  # written before or after the amount
    "USD": ("US dollar", "US dollars", "cent", "cents"),
    "EUR": CURRENCIES["€"],
    "GBP": CURRENCIES["£"],
    "CNY": CURRENCIES["¥"],
    "RMB": CURRENCIES["¥"],
    "JPY": ("yen", "yen", "sen", "sen"),
    "HKD": CURRENCIES["HK$"],
    "KRW": CURRENCIES["₩"],
    "Rs": CURRENCIES["₹"],
}
CENTS = {"¢": ("cent", "cents")}
AMOUNT_POWERS = {  # written after an amount of money
    "k": "thousand",
    "K": "thousand",
    "m": "million",
    "M": "million",
    "mn": "million",
    "b": "billion",
    "B": "billion",
    "bn": "billion",
}

SIGNS = {  # wherever they stand
    "≥": "greater than or equal to",
    "≤": "less than or equal to",
    "≠": "not equal to",
    "≈": "about",
    "±": "plus or minus",
    "÷": "divided by",
    "→": "to",
    "π": "pi",
    "×": "times",
    "√": "the square root of",
    "∞": "infinity",
    "§": "section",
    "‰": "per mille",
    "%": "percent",
    "¢": "cents",
    "°": "degrees",
}
SIGNS_NEXT_TO_NUMBERS = {"<": "less than", ">": "greater than", "=": "equals", "+": "plus", "~": "about", "*": "times"}
EXPONENTS = {"2": "squared", "3": "cubed"}
EXPONENT_SIGNS = {"²": "2", "³": "3"}
FRACTIONS = {2: ("half", "halves"), 4: ("quarter", "quarters")}  # denominator -> singular, plural; others: ordinals

MONTHS = (
    *("January", "February", "March", "April", "May", "June"),
    *("July", "August", "September", "October", "November", "December"),
)
DATE_CUES = "on by until till since before after from due"  # words before a fraction that is a date
YEAR_CUES = f"in since from until till year before after during of to between and around {' '.join(MONTHS).lower()}"
ROOM_CUES = "room rm apartment apt suite flat gate"  # 305 is spoken as three oh five
CODE_CUES = (  # what follows is spoken digit by digit
    "phone telephone tel mobile cell call dial text code pin password passcode postcode zip id account extension ext"
    " flight fax whatsapp wechat qq"
)

# In Chinese, and partly in Japanese and Korean: what a voice without these characters would leave out of a number
CJK_POWERS = {"百": 10**2, "千": 10**3, "천": 10**3, "万": 10**4, "萬": 10**4, "만": 10**4}
CJK_POWERS |= {"亿": 10**8, "億": 10**8, "억": 10**8}
CJK_SIGNS = {"负": "-", "負": "-", "零下": "-"}
CJK_UNITS = {
    "元": " RMB",
    "块": " RMB",
    "塊": " RMB",
    "円": " JPY",
    "원": " KRW",
    "公里": " km",
    "厘米": " cm",
    "米": " m",
}
CJK_UNITS |= {"公斤": " kg", "千克": " kg", "克": " g", "度": "°"}

"""The small words of English that learners mix up, and what is known of some nouns and verbs."""

from worker_llm.grammar.sentence import Word

# Words that are exchanged for each other, by kind; each with its tag.
GROUPS: dict[str, tuple[str, ...]] = {
    "article": ("a/DT the/DT",),
    "demonstrative": ("this/DT these/DT", "that/DT those/DT"),
    "preposition": (
        "in/IN on/IN at/IN to/IN for/IN of/IN with/IN from/IN by/IN about/IN into/IN as/IN than/IN like/IN "
        "during/IN since/IN until/IN over/IN after/IN",
    ),
    "be": ("am/VBP is/VBZ are/VBP was/VBD were/VBD be/VB been/VBN being/VBG",),
    "have": ("have/VBP has/VBZ had/VBD having/VBG",),
    "do": ("do/VBP does/VBZ did/VBD done/VBN doing/VBG",),
    "negation": (
        "don't/VBP doesn't/VBZ didn't/VBD",
        "isn't/VBZ aren't/VBP wasn't/VBD weren't/VBD",
        "haven't/VBP hasn't/VBZ hadn't/VBD",
        "can't/MD couldn't/MD",
        "isn't/VBZ doesn't/VBZ",
        "aren't/VBP don't/VBP haven't/VBP can't/MD mustn't/MD",
        "wasn't/VBD weren't/VBD didn't/VBD",
    ),
    "helper": (
        "do/VBP are/VBP have/VBP can/MD",
        "does/VBZ is/VBZ has/VBZ",
        "did/VBD was/VBD were/VBD had/VBD",
        "did/VBD have/VBP",
    ),
    "ordinal": (
        "one/CD first/JJ",
        "two/CD second/JJ",
        "three/CD third/JJ",
        "four/CD fourth/JJ",
        "five/CD fifth/JJ",
        "six/CD sixth/JJ",
        "seven/CD seventh/JJ",
        "eight/CD eighth/JJ",
        "nine/CD ninth/JJ",
        "ten/CD tenth/JJ",
        "twelve/CD twelfth/JJ",
    ),
    "modal": ("will/MD would/MD", "can/MD could/MD", "may/MD might/MD"),
    "pronoun": (
        "I/PRP me/PRP my/PRP$ mine/PRP myself/PRP",
        "he/PRP him/PRP his/PRP$ himself/PRP",
        "she/PRP her/PRP her/PRP$ hers/PRP herself/PRP",
        "we/PRP us/PRP our/PRP$ ours/PRP ourselves/PRP",
        "they/PRP them/PRP their/PRP$ theirs/PRP themselves/PRP",
        "it/PRP its/PRP$",
        "you/PRP your/PRP$ yours/PRP yourself/PRP",
    ),
    "relative": ("who/WP which/WDT that/WDT",),
    "gender": ("he/PRP she/PRP", "his/PRP$ her/PRP$", "him/PRP her/PRP", "himself/PRP herself/PRP"),
    "quantity": (
        "much/JJ many/JJ",
        "some/DT any/DT",
        "little/JJ few/JJ",
        "other/JJ another/DT others/NNS",
        "every/DT all/DT",
        "very/RB really/RB",
        "too/RB very/RB",
        "no/DT any/DT",
        "nobody/NN anybody/NN",
        "nothing/NN anything/NN",
        "never/RB ever/RB",
        "also/RB too/RB either/RB",
        "one/CD a/DT",
        "less/JJR fewer/JJR",
    ),
    "confusion": (
        "then/RB than/IN",
        "that/IN than/IN",
        "neither/RB either/RB",
        "there/EX their/PRP$",
        "good/JJ well/RB",
        "hard/RB hardly/RB",
        "say/VB tell/VB speak/VB talk/VB",
        "says/VBZ tells/VBZ speaks/VBZ talks/VBZ",
        "said/VBD told/VBD spoke/VBD talked/VBD",
        "make/VB do/VB",
        "makes/VBZ does/VBZ",
        "made/VBD did/VBD",
        "look/VB see/VB watch/VB",
        "looked/VBD saw/VBD watched/VBD",
        "borrow/VB lend/VB",
        "borrowed/VBD lent/VBD",
        "bring/VB take/VB",
        "its/PRP$ it's/VBZ",
        "it/PRP there/EX",
        "ourself/PRP ourselves/PRP",
        "theirselves/PRP themselves/PRP",
        "although/IN despite/IN",
        "fun/NN funny/JJ",
        "lose/VB loose/JJ",
        "open/VB opened/VBD turn/VB",
        "so/RB very/RB",
        "for/IN since/IN ago/RB",
        "still/RB already/RB yet/RB",
        "people/NNS person/NN",
    ),
}

# Nouns and adjectives of one family, which learners exchange: ERRANT's MORPH.
FAMILIES = """
danger/NN dangerous/JJ; difficulty/NN difficult/JJ; health/NN healthy/JJ; happiness/NN happy/JJ happily/RB;
success/NN successful/JJ succeed/VB; beauty/NN beautiful/JJ beautifully/RB; noise/NN noisy/JJ; anger/NN angry/JJ;
hunger/NN hungry/JJ; thirst/NN thirsty/JJ; luck/NN lucky/JJ luckily/RB; sun/NN sunny/JJ; rain/NN rainy/JJ; wind/NN
windy/JJ; cloud/NN cloudy/JJ; snow/NN snowy/JJ; fame/NN famous/JJ; patience/NN patient/JJ; importance/NN
important/JJ; difference/NN different/JJ; confidence/NN confident/JJ; silence/NN silent/JJ; violence/NN violent/JJ;
strength/NN strong/JJ; length/NN long/JJ; height/NN high/JJ; width/NN wide/JJ; depth/NN deep/JJ; heat/NN hot/JJ;
truth/NN true/JJ; honesty/NN honest/JJ; safety/NN safe/JJ safely/RB; care/NN careful/JJ carefully/RB; help/NN
helpful/JJ; use/NN useful/JJ; peace/NN peaceful/JJ; colour/NN colourful/JJ; color/NN colorful/JJ; wonder/NN
wonderful/JJ; friend/NN friendly/JJ friendship/NN; fun/NN funny/JJ; taste/NN tasty/JJ; health/NN healthily/RB;
interest/NN interesting/JJ interested/JJ; excitement/NN exciting/JJ excited/JJ; bore/VB boring/JJ bored/JJ; tire/VB
tiring/JJ tired/JJ; surprise/NN surprising/JJ surprised/JJ; decide/VB decision/NN; choose/VB choice/NN; advise/VB
advice/NN; practise/VB practice/NN; believe/VB belief/NN; live/VB life/NN; die/VB death/NN dead/JJ; develop/VB
development/NN; improve/VB improvement/NN; invite/VB invitation/NN; explain/VB explanation/NN; inform/VB
information/NN; act/VB action/NN activity/NN active/JJ; create/VB creation/NN creative/JJ; compete/VB
competition/NN; complete/VB completely/RB; discuss/VB discussion/NN; environment/NN environmental/JJ; sing/VB
singer/NN; paint/VB painting/NN painter/NN; bad/JJ badly/RB; dance/VB dancer/NN; swim/VB swimmer/NN; run/VB
runner/NN; drive/VB driver/NN; cook/VB cooker/NN; write/VB writer/NN; teach/VB teacher/NN; play/VB player/NN; win/VB
winner/NN; build/VB building/NN; mean/VB meaning/NN; begin/VB beginning/NN; visit/VB visitor/NN; weigh/VB weight/NN;
grow/VB growth/NN; speak/VB speech/NN; tradition/NN traditionally/RB; day/NN daily/JJ; month/NN monthly/JJ; sleep/VB
sleepy/JJ asleep/JJ; wake/VB awake/JJ; friend/NN friendliness/NN; relax/VB relaxing/JJ relaxed/JJ; annoy/VB
annoying/JJ annoyed/JJ; worry/VB worried/JJ; frighten/VB frightening/JJ frightened/JJ; shock/VB shocking/JJ
shocked/JJ; confuse/VB confusing/JJ confused/JJ; disappoint/VB disappointing/JJ disappointed/JJ; stress/NN
stressed/JJ stressful/JJ; scare/VB scary/JJ scared/JJ; pride/NN proud/JJ; guilt/NN guilty/JJ; benefit/NN
beneficial/JJ; friendly/JJ friendliness/NN; educate/VB education/NN educational/JJ; communicate/VB communication/NN;
solve/VB solution/NN; pollute/VB pollution/NN; protect/VB protection/NN; arrive/VB arrival/NN; perform/VB
performance/NN; appear/VB appearance/NN; know/VB knowledge/NN; behave/VB behaviour/NN; fail/VB failure/NN; please/VB
pleasure/NN pleasant/JJ; describe/VB description/NN; able/JJ ability/NN; possible/JJ possibility/NN possibly/RB;
responsible/JJ responsibility/NN; kind/JJ kindness/NN kindly/RB; dark/JJ darkness/NN; ill/JJ illness/NN; sick/JJ
sickness/NN; sad/JJ sadness/NN sadly/RB; lonely/JJ loneliness/NN; lazy/JJ laziness/NN; fast/RB fastly/RB; hard/RB
hardly/RB; good/JJ well/RB; easy/JJ easily/RB; quick/JJ quickly/RB; slow/JJ slowly/RB; loud/JJ loudly/RB; science/NN
scientist/NN scientific/JJ; art/NN artist/NN; music/NN musician/NN musical/JJ; tradition/NN traditional/JJ;
nation/NN national/JJ; culture/NN cultural/JJ; nature/NN natural/JJ; history/NN historical/JJ; center/NN central/JJ;
china/NNP chinese/JJ; england/NNP english/JJ; france/NNP french/JJ; japan/NNP japanese/JJ; germany/NNP german/JJ;
america/NNP american/JJ; korea/NNP korean/JJ; spain/NNP spanish/JJ; wood/NN wooden/JJ; gold/NN golden/JJ; week/NN
weekly/JJ; enjoy/VB enjoyable/JJ enjoyment/NN; comfort/NN comfortable/JJ; fashion/NN fashionable/JJ; reason/NN
reasonable/JJ;
"""

HAVE_AS_BE = {"have": "am/VBP are/VBP be/VB", "has": "is/VBZ", "had": "was/VBD were/VBD"}  # of age: I have ten years


def as_words(text: str) -> tuple[Word, ...]:
    """The words of "goes/VBZ to/TO", each with its tag."""
    pairs = (each.rpartition("/") for each in text.split())
    return tuple(Word(word, tag) for word, _, tag in pairs)


def _index(groups: dict[str, tuple[str, ...]]) -> dict[str, list[tuple[str, Word]]]:
    """For each word what it may be exchanged for, with the kind."""
    index: dict[str, list[tuple[str, Word]]] = {}
    for kind, lines in groups.items():
        for line in lines:
            members = as_words(line)
            for member in members:
                others = [(kind, each) for each in members if each.lower != member.lower]
                index.setdefault(member.lower, []).extend(others)
    return index


EXCHANGES = _index({**GROUPS, "family": tuple(" ".join(each.split()) for each in FAMILIES.split(";") if each.strip())})

EXCHANGES["an"] = EXCHANGES["a"]

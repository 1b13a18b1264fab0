"""What learners carry over from their own language, as patterns of text, each with the ways in which English says it.

A pattern that is certain is wrong in any sentence; the others are only proposals.
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from worker_llm.grammar.proposals.inflections import inflect, list_forms
from worker_llm.grammar.proposals.irregular_forms import (
    EFFECT_OF,
    FEELING_OF,
    IRREGULAR,
    OBJECTS,
    UNCOUNTABLE_PLURALS,
)
from worker_llm.grammar.proposals.word_lists import EXCHANGES
from worker_llm.grammar.sentence import Proposal, Word, split_words

Template = str | Callable[[re.Match[str]], str]

NUMBER = (
    r"(?:\d+|one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|thirteen|fourteen|fifteen|"
    r"sixteen|seventeen"
    r"|eighteen|nineteen|twenty|thirty|forty|fifty)"
)
PERIOD = r"(?:second|minute|hour|day|week|month|year)s?"
PERSON = r"(?:i|you|he|she|it|we|they|my \w+|his \w+|her \w+|our \w+|their \w+|the \w+)"


@dataclass(frozen=True)
class Pattern:
    regex: re.Pattern[str]
    templates: tuple[Template, ...]
    topic: str
    is_certain: bool


def _gerund(verb: str) -> str:
    return inflect(verb.lower(), "VBG") or verb


def _base(verb: str) -> str:
    return inflect(verb.lower(), "VB") or verb


def _participle(verb: str) -> str:
    return inflect(verb.lower(), "VBN") or verb


def _be(subject: str) -> str:
    lower = subject.lower()
    if lower == "i":
        return "am"
    return "are" if lower in ("you", "we", "they") or lower.split()[-1].endswith("s") else "is"


def _has(subject: str) -> str:
    return {"am": "have", "are": "have", "is": "has"}[_be(subject)]


def _since(match: re.Match[str]) -> str:
    """I learn English since two years → I have been learning English for two years."""
    subject, verb, rest, period = match.groups()
    return f"{subject} {_has(subject)} been {_gerund(verb)}{rest}for {period}"


def _pattern(regex: str, templates: Template | tuple[Template, ...], topic: str, certain: bool = True) -> Pattern:
    several = templates if isinstance(templates, tuple) else (templates,)
    return Pattern(re.compile(regex, re.IGNORECASE), several, topic, certain)


PATTERNS = (
    _pattern(
        rf"\b({PERSON}) (?:have|has) ((?:about |only |almost |already |"
        rf"nearly )?{NUMBER}) years?(?: old)?\b(?! of\b| to\b| left\b| in\b| ago\b)",
        lambda m: f"{m[1]} {_be(m[1])} {m[2]} years old",
        "have_age",
    ),
    _pattern(
        rf"\b(am|is|are|was|were) ({NUMBER}) (year old|years(?! old| away| ago| late| from| older| younger))\b",
        r"\1 \2 years old",
        "have_age",
    ),
    _pattern(
        r"\bthere (have|has)(?! (?:been|to)\b)\b", ("there are", "there is", "there was", "there were"), "there_have"
    ),
    _pattern(r"\bthere had\b(?! (?:been|to)\b)", ("there was", "there were"), "there_have"),
    _pattern(
        r"\b(in (?:my|our|the|his|her) \w+),? (?:have|has) (a|an|one|many|some|two|three|four|five)\b",
        (r"\1 there is \2", r"\1 there are \2"),
        "there_have",
    ),
    _pattern(
        r"(?<!would )(?<!'d )\b(very|very much) (like|likes|love|loves|enjoy|enjoys|want|wants|hate|hates|miss|misses)"
        r"\b(?! to be\b)",
        (r"really \2",),
        "very_verb",
    ),
    _pattern(r"\b(although|though|even though|because) ([^.?!]+?),? (but|so) ", r"\1 \2, ", "although_but"),
    _pattern(
        r"\b(am|is|are) (agree|agrees|disagree|belong|belongs|depend|depends)\b",
        lambda m: _base(m[2]) + ("s" if m[1] == "is" else ""),
        "be_verb",
    ),
    _pattern(
        r"\bmore (better|worse|bigger|smaller|taller|shorter|faster|older|younger|easier|cheaper|"
        r"higher|stronger|happier|later|longer|nicer)\b",
        r"\1",
        "double_degree",
    ),
    _pattern(
        r"\bmost (best|worst|biggest|smallest|tallest|oldest|youngest|fastest|easiest|highest|longest|nicest)\b",
        r"\1",
        "double_degree",
    ),
    _pattern(rf"\bsince ((?:about |more than )?{NUMBER} {PERIOD})\b(?! ago)", r"for \1", "since_for", False),
    _pattern(
        rf"\b(i|we|you|they|he|she) (?!have\b|has\b|had\b|am\b|is\b|are\b|was\b|were\b|did\b|do\b|"
        rf"will\b)([a-z]+)( (?:[a-z]+ ){{0,4}}?)(?:since|for) ((?:about |"
        rf"more than )?{NUMBER} {PERIOD})\b",
        _since,
        "since_for",
        False,
    ),
    _pattern(
        r"\b(explain|describe|suggest|recommend|introduce) (me|him|her|us|them) ((?:the|a|an|this|"
        r"that|your|his|my|our) \w+)",
        r"\1 \3 to \2",
        "verb_to_person",
    ),
    _pattern(
        r"\b(listen|listens|listened|listening) (music|the|my|his|her|our|songs?|english|radio|me|him|"
        r"them|us|stories)\b",
        r"\1 to \2",
        "listen_to",
    ),
    _pattern(r"\b(wait|waits|waited|waiting) (me|him|her|us|them|you|my|the|his)\b(?! out)", r"\1 for \2", "wait_for"),
    _pattern(
        r"\b(go|goes|went|going|come|comes|came|coming|get|gets|got|arrive|arrived|walk|walked|return|"
        r"returned|drive|drove) to (home|here|there|abroad|upstairs|downstairs)\b",
        r"\1 \2",
        "to_home",
    ),
    _pattern(
        r"\b(?:in|at|on) (last|next|this|every) (week|month|year|night|weekend|summer|winter|spring|"
        r"autumn|morning|afternoon|evening|monday|tuesday|wednesday|thursday|friday|saturday|sunday)\b",
        r"\1 \2",
        "last_week",
    ),
    _pattern(
        r"\b(?:in|at) (mondays?|tuesdays?|wednesdays?|thursdays?|fridays?|saturdays?|sundays?)\b", r"on \1", "on_day"
    ),
    _pattern(
        r"\b(?:at|on) (january|february|march|april|june|july|august|september|october|november|"
        r"december)\b(?! \d)(?! (?:the )?\w+(?:st|nd|rd|th)\b)",
        r"in \1",
        "in_month",
    ),
    _pattern(r"\b(?:on|at) the (morning|afternoon|evening)\b(?! of\b)", r"in the \1", "in_morning"),
    _pattern(r"\bin night\b", "at night", "at_night"),
    _pattern(rf"\b(?:in|on) ({NUMBER} o'clock|noon|midnight)\b", r"at \1", "at_time"),
    _pattern(r"\bby (foot)\b", r"on \1", "on_foot"),
    _pattern(
        r"\bgood (?:in|on) (english|chinese|maths?|math|science|sports?|music|art|drawing|singing|"
        r"dancing|swimming|running|football|basketball|cooking|playing|history|physics)\b",
        r"good at \1",
        "good_at",
    ),
    _pattern(r"\binterest(?:ing|ed) (?:on|about|for|at|to) (?=\w)", "interested in ", "interested_in"),
    _pattern(r"\b(am|is|are|was|were|feel|feels|felt) interesting in\b", r"\1 interested in", "feeling_ed"),
    _pattern(r"\bmarried with\b", "married to", "married_to", False),
    _pattern(r"\bdepends? (?:of|from)\b", lambda m: m[0].split()[0] + " on", "depend_on"),
    _pattern(r"\b(discuss|discussed|discusses) about\b", r"\1", "discuss"),
    _pattern(r"\b(afraid|scared) (?:with|from)\b", r"\1 of", "afraid_of"),
    _pattern(
        r"\b(look|looks|looking|looked) forward to (go|see|meet|visit|play|eat|hear|have|travel|swim|"
        r"start|come|get|watch|do|be|learn|buy|return)\b",
        lambda m: f"{m[1]} forward to {_gerund(m[2])}",
        "forward_to",
    ),
    _pattern(
        r"\b(enjoy|enjoys|enjoyed|finish|finishes|finished|practise|practises|practised|practice|"
        r"practices|practiced|mind|keep|keeps|kept|avoid|avoids|suggest|suggests|suggested|give up|"
        r"gave up|gives up) (?:to )?(play|read|swim|sing|dance|watch|eat|do|write|learn|talk|cook|run|"
        r"draw|study|go|speak|listen|be|make|paint|ride|travel|work|clean|wait|smoke|walk|drink|take|"
        r"visit)\b(?! (?:and|of)\b)",
        lambda m: f"{m[1]} {_gerund(m[2])}",
        "verb_ing",
    ),
    _pattern(
        r"\b(want|wants|wanted|need|needs|needed|hope|hopes|hoped|decide|decides|decided|plan|plans|"
        r"planned|promise|promises|promised|learn|learns|learned|would like|agree|agreed|wish|"
        r"wishes) (go|be|buy|eat|play|see|visit|become|have|learn|make|get|watch|do|"
        r"know|come|speak|meet|take|live|leave|swim|find|tell|read|try|write|sing|"
        r"win|ride)\b(?! (?:and|for|of|is|was)\b)",
        r"\1 to \2",
        "verb_to",
    ),
    _pattern(
        r"\b(want|wants|wanted|need|needs|needed|hope|hopes|hoped|decide|decides|decided|"
        r"would like) to ([a-z]+(?:ing|ed)|went|saw|ate|bought|was|is|are|has|had|made|goes|likes|"
        r"plays)\b(?<!bring)(?<!sing)(?<!ring)(?<!need)(?<!feed)",
        lambda m: f"{m[1]} to {_base(m[2])}",
        "verb_to",
    ),
    _pattern(
        r"\b(want|wants|wanted) that (i|you|he|she|we|they) ([a-z]+)\b",
        lambda m: f"{m[1]} {OBJECTS[m[2].lower()]} to {_base(m[3])}",
        "want_that",
    ),
    _pattern(r"\b(can|could|must|should|will|would|might) to ([a-z]+)\b", r"\1 \2", "modal_base"),
    _pattern(r"\bmust to\b", ("had to", "have to"), "modal_base", False),
    _pattern(r"\b(will|may|might|must|would) can( to)?\b", (r"\1 be able to", r"\1", "can"), "modal_base", False),
    _pattern(
        r"^(do have|does have|have|has|it have|it has|do it have|does it have) (a|an|any|some|many|much)\b(?=.*\?$)",
        (r"is there \2", r"are there \2"),
        "there_have",
        False,
    ),
    _pattern(
        r"\b(can|could|must|should|will|would|might|can't|couldn't|won't|shouldn't|"
        r"cannot)( not)? (goes|went|plays|likes|speaks|swims|makes|does|has|is|was|are|am|gone|comes|"
        r"came|sees|saw|eats|ate|runs|ran|sings|helps|takes|took|gets|got|wants|knows|lives|studies|"
        r"watches|playing|going|swimming|speaking|doing|helping|making|singing|played|helped|watched|"
        r"wanted|finished|bought|buys)\b",
        lambda m: f"{m[1]}{m[2] or ''} {_base(m[3])}",
        "modal_base",
    ),
    _pattern(
        r"\b(did|didn't|did not|doesn't|does not|don't|do not) (goes|went|gone|played|plays|likes|"
        r"liked|wants|wanted|has|had|saw|seen|sees|ate|eats|bought|buys|came|comes|knew|knows|made|"
        r"makes|took|takes|got|gets|said|says|told|found|slept|did|does|finished|watched|studied|"
        r"helped|understood|heard|lost|thought|brought|spoke|speaks|lives|lived|worked|works|needs|"
        r"needed|listened|opened|called|slept|wrote|read's|learned|stopped|happened)\b",
        lambda m: f"{m[1]} {_base(m[2])}",
        "do_base",
    ),
    _pattern(
        r"\b(he|she|it) (don't|do not)\b(?! let\b)",
        lambda m: f"{m[1]} " + m[2].replace("don't", "doesn't").replace("do ", "does "),
        "agreement",
        False,
    ),
    _pattern(rf"\b({'|'.join(UNCOUNTABLE_PLURALS)})\b", lambda m: UNCOUNTABLE_PLURALS[m[1].lower()], "uncountable"),
    _pattern(
        r"\b(?:a|an) (advice|homework|information|furniture|luggage|housework|news|equipment|bread|"
        r"music|money|rice|weather|fun|traffic)(?=[.,!?]|$| (?:from|about|for|to|in|on|that|yesterday|"
        r"today|and|is|was))",
        (r"some \1", r"\1"),
        "uncountable",
    ),
    _pattern(rf"\b({'|'.join(map(re.escape, IRREGULAR))})\b", lambda m: IRREGULAR[m[1].lower()], "irregular"),
    _pattern(
        r"\b(i|we) (am|are|was|were|feel|felt)( very| so| really| too)? (boring|exciting|tiring|"
        r"surprising|frightening|confusing|worrying|disappointing|embarrassing)\b(?! to\b)",
        lambda m: f"{m[1]} {m[2]}{m[3] or ''} {FEELING_OF[m[4].lower()]}",
        "feeling_ed",
    ),
    _pattern(
        r"\b((?:the|this|that|my) (?:film|movie|book|story|game|lesson|class|trip|news|match|party|"
        r"show|city|museum|homework|job|film)|it) (is|was)( very| so| really| too)? (bored|excited|"
        r"interested|surprised|confused|frightened|tired|disappointed)\b",
        lambda m: f"{m[1]} {m[2]}{m[3] or ''} {EFFECT_OF[m[4].lower()]}",
        "effect_ing",
    ),
    _pattern(r"\b(too|very|so) (much|many) (?=[a-z]+(?:er)\b)", "much ", "degree", False),
    _pattern(
        r"\bmost of (people|students|children|teachers|girls|boys|countries|schools|animals)\b", r"most \1", "most_of"
    ),
    _pattern(r"\b(congratulations|congratulate you) (?:for|of|to) (?=\w)", r"\1 on ", "congratulations"),
    _pattern(
        r"^is (raining|snowing|cold|hot|windy|sunny|late|important|difficult|easy|necessary|possible|"
        r"dangerous)\b(?![^?]*\?)",
        r"it is \1",
        "missing_it",
    ),
    _pattern(
        r"\b(have|has) (ever|never|already|just) (went|saw|ate|did|was|took|gave|wrote|came|spoke|"
        r"knew|broke|swam|drank|sang|began|go|see|eat|do|be|take|try|finish|visit|meet|hear|read)\b",
        lambda m: f"{m[1]} {m[2]} {_participle(m[3])}",
        "have_participle",
    ),
    _pattern(
        r"\b(have|has) (went|saw|ate|did|took|gave|wrote|came|spoke|knew|broke|swam|drank|sang|began|"
        r"forgot|fell|flew|drove|rode)\b",
        lambda m: f"{m[1]} {_participle(m[2])}",
        "have_participle",
    ),
    _pattern(
        r"\b(don't|doesn't|didn't|never|can't|won't|haven't|hasn't|isn't|aren't|wasn't|"
        r"couldn't) ((?:[a-z]+ ){0,3})(nothing|nobody|nowhere|no one|no)\b(?! (?:longer|matter|less|"
        r"more than|one)\b)",
        lambda m: (
            f"{m[1]} {m[2]}"
            + {"nothing": "anything", "nobody": "anybody", "nowhere": "anywhere", "no one": "anyone", "no": "any"}[
                m[3].lower()
            ]
        ),
        "double_negation",
    ),
    _pattern(
        r"\b(i|we|you|they|he|she) no (have|has|like|likes|want|wants|know|knows|understand|go|goes|can)\b",
        lambda m: (
            f"{m[1]} "
            + (
                "cannot"
                if m[2].lower() == "can"
                else ("doesn't " if m[1].lower() in ("he", "she") else "don't ") + _base(m[2])
            )
        ),
        "no_verb",
    ),
    _pattern(
        r"\b(how to (?:say|spell|pronounce|write|call)) ([^?]+)\?",
        lambda m: f"how do you {m[1].split()[-1]} {m[2]}?",
        "how_to",
        False,
    ),
    _pattern(
        r"\b(so|such) (good|nice|big|beautiful|bad|long|interesting|cold|hot) (a |an )?(day|man|city|"
        r"film|book|house|weather|food|place|idea|time|friend)\b",
        lambda m: f"such {'' if m[4].lower() in ('weather', 'food') else 'a '}{m[2]} {m[4]}",
        "such",
    ),
    _pattern(
        r"\b(play|plays|played|playing) (piano|guitar|violin|drums|flute)\b", r"\1 the \2", "play_instrument", False
    ),
    _pattern(
        r"\b(play|plays|played|playing) the (football|basketball|tennis|badminton|chess|volleyball|"
        r"baseball|computer games|games|soccer|table tennis|ping pong)\b",
        r"\1 \2",
        "play_sport",
    ),
    _pattern(
        r"\bgo (to )?(swim|shop|fish|skate|ski|hike|camp|dance|run|jog)\b(?! and)",
        lambda m: f"go {_gerund(m[2])}",
        "go_ing",
        False,
    ),
    _pattern(
        r"\b(open|close|opened|closed) the (light|lights|tv|computer|radio|television|fan)\b",
        lambda m: (
            ("turn" if not m[1].lower().endswith("ed") else "turned")
            + (" on" if m[1].lower().startswith("open") else " off")
            + f" the {m[2]}"
        ),
        "turn_on",
    ),
    _pattern(
        r"\b(say|says|said) (me|him|her|us|them)\b",
        lambda m: {"say": "tell", "says": "tells", "said": "told"}[m[1].lower()] + f" {m[2]}",
        "say_tell",
    ),
    _pattern(
        r"\b(tell|tells|told) that\b",
        lambda m: {"tell": "say", "tells": "says", "told": "said"}[m[1].lower()] + " that",
        "say_tell",
        False,
    ),
    _pattern(r"\b(in|on) (internet)\b", "on the internet", "on_internet"),
    _pattern(
        r"\bother (book|child|day|person|thing|student|question|apple|cup|game|man|woman|friend|"
        r"teacher|country|city|dog|cat)\b",
        r"another \1",
        "another",
        False,
    ),
    _pattern(r"\b(can|could)(?:n?'t| not|not) hardly\b", r"\1 hardly", "double_negation"),
    _pattern(r"\b(can't|don't|didn't|won't|couldn't|isn't|wasn't|haven't) neither\b", r"\1 either", "double_negation"),
    _pattern(r"\bnever not\b", "never", "double_negation"),
    _pattern(r"^what means ([^?]+)\?$", r"what does \1 mean?", "what_means"),
    _pattern(r"^how old (have|has) (you|he|she|they|your \w+)\b", lambda m: f"how old {_be(m[2])} {m[2]}", "have_age"),
    _pattern(r"^(tomorrow|next \w+|tonight),? will have\b", r"\1 there will be", "there_have"),
    _pattern(r"\bthere will have\b(?! been)", "there will be", "there_have"),
    _pattern(r"\bis have\b", "is there", "there_have", False),
    _pattern(
        r"^(are|is) (a|an|some|many|two|three|four|five|six|seven|eight|nine|ten|twenty|thirty|forty|"
        r"lots)\b(?![^?]*\?)",
        r"there \1 \2",
        "missing_there",
    ),
    _pattern(r"\b(his|her|my|our|their|your) (name) (call|calls|called|is called)\b", r"\1 name is", "name_is"),
)


def propose_patterns(text: str) -> Iterator[Proposal]:
    """Of a sentence whose words are separated by single spaces."""
    for pattern in PATTERNS:
        for match in pattern.regex.finditer(text):
            for template in pattern.templates:
                new = template(match) if callable(template) else match.expand(template)
                if match.start() == 0 or match[0][:1].isupper():
                    new = new[:1].upper() + new[1:]
                corrected = " ".join((text[: match.start()] + new + text[match.end() :]).split())
                if corrected != text:
                    yield _as_proposal(text, corrected, pattern)


def _as_proposal(text: str, corrected: str, pattern: Pattern) -> Proposal:
    """The stretch of words that differs, with outer marks left to the sentence."""
    old, new = split_words(text), split_words(corrected)
    first = 0
    while first < min(len(old), len(new)) and str(old[first]) == str(new[first]):
        first += 1
    last = 0
    while last < min(len(old), len(new)) - first and str(old[-1 - last]) == str(new[-1 - last]):
        last += 1
    after = [Word(word.text, _guess_tag(word.lower)) for word in new[first : len(new) - last]]
    kind = "certain" if pattern.is_certain else "pattern"
    return Proposal(first, len(old) - last, tuple(after), kind, pattern.topic, pattern.is_certain)


def _guess_tag(word: str) -> str:
    """The tag of a word that a pattern put in, as far as it has only one."""
    for _, other in EXCHANGES.get(word, ()):
        for _, each in EXCHANGES.get(other.lower, ()):
            if each.lower == word:
                return each.tag
    forms = {tag for part in ("VERB", "NOUN", "ADJ") for form, tag in list_forms(word, part) if form == word}
    return next(iter(sorted(forms)), "") if len(forms) == 1 else ""

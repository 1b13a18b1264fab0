"""What a clause in English must be as a whole to ask for a study plan, with the mistakes that learners make."""

import re

MAX_CHARS = 120  # of a clause: a longer one is no plain request


def compact(pattern: str) -> str:
    """A pattern without its line ends and the spaces around them."""
    return re.sub(r"\s*\n *", "", pattern)


TEACHERS = "(?:teacher|sir|miss|madam|mr|mrs|ms|william|emma|dear|my teacher)"
BEFORE = compact(
    rf"""
    (?:(?:hi|hello|hey|good (?:morning|afternoon|evening)|ok|okay|oh|well|yes|right|alright|and|so|but|then|also|now|
    today|first|maybe|please|excuse me|sorry|thanks|thank you|{TEACHERS}|i think|i hope|i wonder if|
    (?:can|may|could) i ask you(?: to)?|i(?: want| would like|'d like| wanna| need)(?: to ask)? you(?: to)?) )*
    """
)
ASK = compact(
    r"""
    (?:(?:can|could|will|would|may) you(?: please| kindly| maybe)*|(?:would|do) you mind|you (?:can|could|should|must)|
    (?:can|could|will|would) you (?:please )?help (?:me|us)(?: to)?|(?:please )?help (?:me|us)(?: to| with)?|
    i (?:need|want) your help (?:to|with)|let's|let us|
    i(?: want| would like|'d like| wanna| need| hope)(?: to)?|(?:can|could|may|shall) (?:we|i)|let (?:me|us)|please)
    """
)
MAKE = compact(
    r"""
    (?:makes?|making|give|write(?: down)?|create|build|draw(?: up)?|prepare|do|set(?: up)?|get|design|plan|show|draft|
    form|produce|arrange|work out|put together|come up with|think of|suggest|offer|have|see)
    """
)
FOR_ME = r"(?: (?:to |for )?(?:me|us|i))"
STUDY = "(?:english|stud(?:y|ying|ies)|learn(?:ing)?|practi[cs]e|speaking|training|revision|review|grammar)"
WEEK = "(?:weekly|week's|week|7 day|7 days|seven day|seven days|daily)"
SMALL = (
    "(?:a|an|one|the|my|our|some|this|next|new|good|nice|short|small|little|easy|simple|clear|personal|detailed|other)"
)
PLAN = compact(
    rf"""
    (?:(?:(?P<study>{STUDY})|(?P<week>{WEEK})|{SMALL}) )*
    (?:plan|plans|schedule|schedules|timetable|programme|program)
    """
)
TIME = compact(
    r"""
    (?: (?:for|of|in|on|to|about|at|from)?\s?(?:(?:the|this|my|our|next|coming|whole|one|a|these|all|7|seven) )*
    (?P<time>week|days)(?: (?:now|ahead|long))?| (?:for )?(?:today|tomorrow|each day|every day))
    """
)
MINUTES = (
    r"(?: (?:with|for|of|about|in|at)*\s?(?:\w+ ){0,2}(?:minutes?|hours?|hour)"
    r"(?: (?:a|per|each|every|one|in a|in the) day| daily| every day)?)"
)
FOR_STUDY = compact(
    r"""
    (?P<aim>(?: (?:for me to|for us to|for|of|to|about|in|on|so that i can|that helps me|that helps me to|how to))
    (?: (?:english|my|the|learn|learning|study|studying|practise|practice|practising|practicing|improve|improving|speak|
    speaking|better|spoken|more))* (?:english|studies|study|studying|learning|speaking|practice|grammar))
    """
)
TAIL = rf"(?:(?P<me>{FOR_ME})|{TIME}|{FOR_STUDY}|{MINUTES})"
AFTER = compact(
    rf"""
    (?: (?:please|together|{TEACHERS}|now|then|too|again|ok|okay|thank you|thanks|if you can|will you|can you|first))*
    """
)


def _numbered(pattern: str, *names: str) -> str:
    """The pattern, which is used several times, without the names of its groups but these."""
    return re.sub(r"\?P<(\w+)>", lambda match: match[0] if match[1] in names else "?:", pattern)


BARE_TAIL = _numbered(TAIL)
BARE_TIME = _numbered(TIME)
# "make me a plan": a request if it is for the learner, for study or for a week, or asked of the teacher.
MAKE_PLAN = re.compile(
    rf"{BEFORE}(?P<ask>{ASK} )?(?:{MAKE}(?P<object>{FOR_ME})? )?(?:please )?{PLAN}{TAIL}*{AFTER}",
)
PLAN_WEEK = re.compile(
    compact(
        rf"""
        {BEFORE}(?:{ASK} )?(?:plan|arrange|organi[sz]e|schedule)(?: out)?{FOR_ME}?
        (?: (?:my|our|the|this|a|next|whole|coming|english|study|learning))+
        (?: (?:week|weeks|studies|study|learning|english|practice))?{BARE_TAIL}*{AFTER}
        """
    )
)
PLANNED = re.compile(r"\b(?:week|weeks|studies|study|learning|english|practice)\b")
HAVE_PLAN = re.compile(
    compact(
        rf"""
        {BEFORE}(?:do you have|have you(?: got)?|is there|what is|what's|where is|how about|what about|tell me|show me)
        (?P<object> my| a| any| the)? {PLAN}{TAIL}*{AFTER}
        """
    )
)
PRACTISE = compact(
    r"""
    (?:practi[cs](?:e|ing)|study|learn|work (?:on|at)|improve|review|revise|train|focus on|repeat|concentrate on)
    """
)
WHAT = (
    r"(?:what|which)(?: (?:things?|words?|mistakes?|grammar|exercises?|skills?|parts?|topics?|kind of (?:\w+)|english|"
    r"else))?"
)
SHOULD = compact(
    r"""
    (?:(?:should|shall|must|can|could|do|would|will|may) (?:i|we)(?: need| have| want| better)?(?: to)?|
    (?:i|we) (?:should|must|need to|have to|can|shall|could|ought to|better)|to|
    (?:do|would|can|could) you (?:(?:think|suggest|recommend|advise)(?: that)?(?: (?:i|me|we))?|want me)
    (?: should| to| need to| must| can)?)
    """
)
ADVERBS = compact(
    rf"""
    (?:{BARE_TIME}| (?:most|first|more|next|now|today|again|better|every day|each day|in english|for english|
    of english|my english|english|on my own|at home|with you))*
    """
)
WHAT_TO_PRACTISE = re.compile(
    compact(
        rf"""
        {BEFORE}(?:(?:please )?(?:(?:can|could|will|would) you )?(?:please )?(?:tell|show|advise) me |do you know |
        i(?: want| would like|'d like) to know )?{WHAT} {SHOULD} {PRACTISE}{ADVERBS}{AFTER}|
        {BEFORE}(?:this week )?(?:i|we) (?:should|need to|must) {PRACTISE} what{ADVERBS}{AFTER}
        """
    )
)
HOW_TO_STUDY = re.compile(
    compact(
        rf"""
        {BEFORE}(?:(?:please )?(?:(?:can|could|will|would) you )?(?:tell|show|teach) me )?
        (?:how|what) {SHOULD} (?:(?:do )(?:{BARE_TIME} )?(?:to |for )?)?{PRACTISE}(?: my)?(?: spoken| speaking)?
        (?: english)?{BARE_TIME}{AFTER}|
        {BEFORE}what {SHOULD} do{BARE_TIME}(?: to| for| so that i can) {PRACTISE}(?: my)?(?: spoken)? english{AFTER}
        """
    )
)


def asks_in_english(clause: str) -> bool:
    """Whether the whole clause, in lower case without punctuation, is a request."""
    if len(clause) > MAX_CHARS:
        return False
    if (match := MAKE_PLAN.fullmatch(clause)) and is_for_learner(match):
        return True
    if (match := HAVE_PLAN.fullmatch(clause)) and (
        match["study"] or match["aim"] or match["me"] or match["object"] == " my"
    ):
        return True
    if PLAN_WEEK.fullmatch(clause) and PLANNED.search(clause):
        return True
    return bool(WHAT_TO_PRACTISE.fullmatch(clause) or HOW_TO_STUDY.fullmatch(clause))


def is_for_learner(match: re.Match[str]) -> bool:
    """Whether a plan that is to be made is the learner's own, or for study or a week; and is asked of the teacher."""
    ask = match["ask"] or ""
    is_own = any(match[name] for name in ("study", "aim", "object", "me", "week", "time"))
    is_asked_for_help = ask.startswith(("can you", "could you", "will you", "would you")) or "help" in ask
    return is_own or is_asked_for_help

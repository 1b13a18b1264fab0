"""Sets of English words that several parts of the checker ask about, in small letters."""


def word_set(*lines: str) -> frozenset[str]:
    return frozenset(word for line in lines for word in line.split())


ARTICLES = word_set("a an the")
SUBJECT_PRONOUNS = word_set("i you he she it we they")
OBJECT_PRONOUNS = word_set("me him her us them")
BE = word_set("am is are was were be been being")
HAVE = word_set("have has had having")
DO = word_set("do does did")
NEGATED_DO = word_set("don't doesn't didn't")
MODALS = word_set(
    "couldn't wouldn't shouldn't mustn't will would can could may might must should shall can't cannot won't",
)
QUESTION_WORDS = word_set("what where when why who whom how which whose")
FREQUENCY_ADVERBS = word_set(
    "always often usually never sometimes also still really only already just ever seldom rarely hardly both",
    "all",
)
DETERMINERS = word_set(
    "a an the my your his her its our their this that these those some any every each no another either neither",
    "whose which what both all many much few several enough one two three four five six seven eight nine ten",
)
SINGULAR_WORDS = word_set("a an one this that every each another")
PLURAL_WORDS = word_set(
    "two three four five six seven eight nine ten eleven twelve twenty thirty many several few these those both",
    "various some all other",
)
SINGULAR_SUBJECTS = word_set(
    "he she it this that everybody everyone somebody someone nobody anybody anyone everything something nothing",
    "who",
)
PLURAL_SUBJECTS = word_set("we they you these those people children")
PREPOSITIONS = word_set("in on at of for with from about by without after before like")
CLAUSE_WORDS = word_set("that and but or because if")
COLLECTIVE = word_set("family team government class police staff group public company crowd audience band")
LIKING = word_set(
    "like likes liked love loves loved enjoy enjoys enjoyed hate hates want wants wanted need needs",
)
CAUSATIVES = word_set("make makes made let lets help helps helped see sees saw hear heard watch watched have had")
SUBJECT_FIRST = word_set("and but so because that when if or although though then while") | {""}
# Words that stand as themselves where the judge names what surrounds an edit; of others only their tag tells.
NAMED_WORDS = (
    DETERMINERS | SUBJECT_PRONOUNS | OBJECT_PRONOUNS | BE | HAVE | DO | NEGATED_DO | MODALS | QUESTION_WORDS
) | word_set(
    "wants likes enjoy yet ever just go goes went gone going make makes made let lets want often usually there",
    "here yesterday tomorrow now last next since ago already so because if when although though very more most",
    "too also not never always to in on at of for with from by about into as than like and but or",
)
# Nouns that learners seldom mean as things to be counted, though some can be.
OFTEN_UNCOUNTED = word_set(
    "advice air art baggage beauty beef bread butter cash cheese chess clothing coffee cooking corn cotton",
    "courage damage dancing dirt dust education electricity english equipment evidence exercise fear fishing",
    "flour food football fruit fun furniture garbage gold grass hair happiness harm hate health heat help",
    "history homework honey hope housework hunger ice information jewellery jewelry joy juice knowledge",
    "laughter lightning literature love luck luggage lunch machinery mail maths meat medicine milk money mud",
    "music nature news oil paper patience peace physics pollution pork progress rain reading research rice",
    "rubbish safety salt sand scenery science shopping silver skating skiing sleep snow soap soup spaghetti",
    "staff stuff sugar sunshine swimming tea tennis thunder time traffic transport trash travel trouble",
    "underwear violence water weather wildlife wind wine wood work basketball volleyball badminton breakfast",
    "dinner supper school chinese mathematics geography biology chemistry",
)

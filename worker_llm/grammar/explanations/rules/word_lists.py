"""Lists of words that several rules ask about."""

from worker_llm.grammar.word_sets import word_set

UNCOUNTABLE = word_set(
    "homework housework information advice furniture luggage baggage equipment knowledge music water milk rice bread",
    "money news weather traffic snow air sugar salt butter meat beef pork research progress evidence clothing grass",
    "sand health happiness fun luck help electricity rubbish garbage stuff scenery pollution software",
)
WOMEN = word_set(
    "mother mom mum mummy sister girl woman aunt grandmother grandma daughter wife queen lady girlfriend mrs niece",
    "princess actress",
)
MEN = word_set(
    "father dad daddy brother boy man uncle grandfather grandpa son husband king gentleman boyfriend mr nephew prince",
    "actor",
)
PEOPLE = (
    WOMEN
    | MEN
    | word_set(
        "friend teacher student classmate person people child kid doctor nurse baby parent cousin singer player worker",
        "driver farmer policeman neighbour neighbor boss writer dancer",
    )
)
THINGS = word_set(
    "book film movie car house song game computer phone bag pen pencil table chair school city town story picture shop",
    "train bus food cake toy letter box room dress shirt hat bike bicycle ball park country language subject present",
    "gift photo homework exercise answer question",
)

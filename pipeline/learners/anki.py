"""A learner's ledger as a deck for Anki: a card for each sentence that was put right, and for each word to listen to.

Anki knows a card again by its id, so that a deck that is fetched later brings the new ones and changes no other.
"""

import hashlib
import html
import io
import tempfile
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

MODEL_ID = 1_704_230_917  # of these cards in every collection; it never changes
MAX_ID = 1 << 31
CSS = ".card { font: 22px sans-serif; text-align: center } .why { font-size: 17px; color: #666 }"
FIELDS = ("Question", "Own", "Answer", "Better", "Why")
FRONT = "<p>{{Question}}</p>{{Own}}"
BACK = '{{FrontSide}}<hr id="answer"><p><b>{{Answer}}</b></p>{{Better}}<p class="why">{{Why}}</p>'


@dataclass(frozen=True)
class Sound:
    """A sound file of a card: its content, and the ending of its name, such as wav."""

    content: bytes
    format: str


@dataclass(frozen=True)
class Card:
    """What is asked and answered, and why; `own` is the learner's own voice, `better` the teacher's, if they are kept.

    `key` names the card: two cards with one key are the same.
    """

    key: str
    question: str
    answer: str
    why: str = ""
    own: Sound | None = None
    better: Sound | None = None


def build_deck(title: str, learner: str, cards: Iterable[Card]) -> bytes:
    """The deck as a file that Anki imports (.apkg)."""
    import genanki

    model = genanki.Model(
        MODEL_ID,
        "Waijiao",
        fields=[{"name": name} for name in FIELDS],
        templates=[{"name": "Say it better", "qfmt": FRONT, "afmt": BACK}],
        css=CSS,
    )
    deck = genanki.Deck(stable_number(learner), title)
    with tempfile.TemporaryDirectory(prefix="waijiao-deck-") as folder:
        sounds = SoundFolder(Path(folder))
        for card in cards:
            fields = [
                html.escape(card.question),
                sounds.add(card.own),
                html.escape(card.answer),
                sounds.add(card.better),
            ]
            fields.append("<br>".join(map(html.escape, card.why.splitlines())))
            deck.add_note(genanki.Note(model, fields, guid=digest(f"{learner}\0{card.key}")))
        file = io.BytesIO()
        genanki.Package(deck, media_files=sounds.paths).write_to_file(file)
    return file.getvalue()


class SoundFolder:
    """A folder in which the sounds of a deck lie until it is written. Their names say nothing of the learner."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.paths: Sequence[str] = []

    def add(self, sound: Sound | None) -> str:
        """What a card's field says to play the sound; "" without one."""
        if sound is None:
            return ""
        path = self.folder / f"waijiao-{hashlib.sha256(sound.content).hexdigest()[:24]}.{sound.format}"
        path.write_bytes(sound.content)
        self.paths = [*self.paths, str(path)] if str(path) not in self.paths else self.paths
        return f"[sound:{path.name}]"


def digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:20]


def stable_number(text: str) -> int:
    """A number that is always the same for a text, as Anki numbers decks."""
    return int(digest(text), 16) % (MAX_ID - 1) + 1

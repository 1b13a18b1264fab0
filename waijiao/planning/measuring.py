"""How fast a house is at recordings of one length: a few are joined of the examples, answered, and erased again."""

import io
import wave
from collections.abc import Iterator
from itertools import cycle, islice
from pathlib import Path
from typing import Final

from pipeline.errors import ConfigurationError
from waijiao.client import Client

EXAMPLES = Path(__file__).resolve().parents[2] / "examples" / "learners"
RECORDINGS = 8  # so many that those which were measured before count for a sixth: the figures are means of the latest
LANE: Final = "bulk"  # so that they wait while anybody else wants an answer


def measure(client: Client, seconds: float) -> None:
    """Have recordings of that length answered, all at once, as a class is. Raises the error of one that fails."""
    for outcome in client.ask_all(list(joined(seconds, RECORDINGS)), RECORDINGS, lane=LANE, language="en"):
        if outcome.job:
            client.erase(outcome.job)
        if outcome.error:
            raise outcome.error


def joined(seconds: float, count: int, folder: Path = EXAMPLES) -> Iterator[bytes]:
    """Recordings of that length, as WAV: learners one after another, each beginning with another one.

    Raises ConfigurationError when the examples are not there.
    """
    paths = sorted(folder.glob("*.wav"))
    if not paths:
        raise ConfigurationError(f"--measure needs the example recordings, which are not in {folder}.")
    for number in range(count):
        yield one_after_another(islice(cycle(paths), number * len(paths) // count, None), seconds)


def one_after_another(paths: Iterator[Path], seconds: float) -> bytes:
    """As many of them as are needed, cut off after so many seconds; they are all of the same form."""
    written = io.BytesIO()
    with wave.open(written, "wb") as sound:
        frames = 0
        for path in paths:
            with wave.open(str(path)) as part:
                if not frames:
                    sound.setparams(part.getparams())
                room = round(seconds * part.getframerate()) - frames
                frames += min(room, part.getnframes())
                sound.writeframes(part.readframes(room))
            if room <= part.getnframes():
                break
    return written.getvalue()

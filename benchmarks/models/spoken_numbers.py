"""How many written numbers are recognised as they must be said: spoken by the voice, recognised by the speech model.

Run with: python -m benchmarks.models.spoken_numbers [EVERY]

The forms are those of tests/unit/pipeline/text/test_number_words.py, each within a sentence. Both what must be said and
what was recognised are compared as words, since a recogniser writes digits where it can.
"""

import argparse
import re

from benchmarks.harness import DirectModels, raise_error
from pipeline.settings import Settings
from pipeline.text.number_words import write_numbers
from tests.unit.pipeline.text.test_number_words import ROWS
from worker_asr.engine import Recording
from worker_tts.engine import Utterance

SENTENCE = "The teacher wrote {}, and everybody read it."
# Spellings and short forms of the recogniser that sound the same.
SAME_SOUND = {"litre": "liter", "metre": "meter", "o'clock": "o’clock", "oh": "zero", "a": "one", "for": "four"}


def split_words(text: str) -> list[str]:
    words = re.findall(r"[a-z’']+", write_numbers(text).lower().replace("-", " ").replace("zero point", "point"))
    return [SAME_SOUND.get(word, word) for word in words if word != "and"]


def main(arguments: argparse.Namespace) -> None:
    models = DirectModels(Settings())
    rows = ROWS[:: arguments.every]
    same = 0
    for written_form, spoken_form in rows:
        sentence = SENTENCE.format(written_form.rstrip("."))
        (waveform,) = models.tts.speak([Utterance(sentence)])
        (transcript,) = models.asr.transcribe([Recording(raise_error(waveform), "en")])
        text = raise_error(transcript).text
        expected_words = split_words(SENTENCE.format(spoken_form.rstrip(".")))
        is_same = split_words(text) == expected_words
        same += is_same
        if not is_same:
            print(f"{written_form:28} said: {spoken_form:60} recognised: {text}", flush=True)
    print(f"{same} of {len(rows)} numbers were recognised as they must be said ({same / len(rows):.0%})")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("every", type=int, nargs="?", default=1, help="take one of so many forms")
    main(parser.parse_args())

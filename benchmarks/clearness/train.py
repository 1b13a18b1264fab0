"""Train the probe: from recordings with their texts to worker_asr/clearness/probe.npz.

Run with: python -m benchmarks.clearness.train CORPUS --without SCORES --frames FOLDER [--write FILE]

CORPUS is a folder of speechocean762, of which only the training half is read, without the speakers of SCORES, by whom
the rules are fitted. FOLDER keeps the encoder's frames (400 MB; they take ten minutes, the rest one). No score
of an expert is used, and no other program: the first labels come from the times of words by Whisper's attention and
from the loudness; then the probe's own alignment takes their place, four times.
"""

import argparse
from pathlib import Path

import numpy as np

from benchmarks.clearness.corpus import Example, read_corpus, read_examples, read_lines, speaker_of
from benchmarks.clearness.network import Network, train_network
from pipeline.errors import BadRequest
from pipeline.model_files.catalogue import locate
from pipeline.settings import Settings
from worker_asr.clearness.alignment import align
from worker_asr.clearness.meter import FREQUENCY_WEIGHT, PROBE_FILE
from worker_asr.clearness.probe import CLASSES, FLOOR, PAUSE_CLASS, Probe, save_probe
from worker_asr.clearness.sounds import SOUNDS, VOWELS
from worker_asr.whisper_model import load_whisper

UNITS = 128
ROUNDS = ((500, 3), (500, 3), (500, 3), (None, 3), (None, 3))  # of how many examples, and how many epochs
VOWEL_LENGTH = 1.6  # of a vowel, in lengths of a consonant, in the first labels
# Frames that a sound lasts at least. Without, vowels shrink to a frame, and consonants take the pauses beside them.
MIN_FRAMES = [3 if sound in VOWELS else 2 for sound in SOUNDS] + [1]
QUIET_BONUS = 3.0  # log probability of a pause that is added where it is quiet
SMOOTHING = 20.0  # frames of each sound that are counted beside those that there are
ATTENTION_DELAY = 2  # frames by which Whisper's attention may be late


class Learner:
    """The probe while it is trained; frames are standardised by those of all examples."""

    def __init__(self, examples: list[Example]) -> None:
        frames = np.concatenate([each.frames for each in examples[:500]]).astype(np.float32)
        self.mean, self.scale = frames.mean(axis=0), frames.std(axis=0) + 1e-3
        self.network = Network([])
        self.frequency = np.ones(len(CLASSES)) / len(CLASSES)

    def learn(self, examples: list[Example], labels: list[np.ndarray], epochs: int) -> None:
        frames = np.concatenate([each.frames for each in examples]).astype(np.float32)
        frames -= self.mean
        frames /= self.scale
        all_labels = np.concatenate(labels)
        counts = np.bincount(all_labels, minlength=len(CLASSES)) + SMOOTHING
        self.frequency = counts / counts.sum()
        self.network = train_network(frames, all_labels, UNITS, len(CLASSES), epochs)

    def label(self, example: Example) -> np.ndarray | None:
        """The class of each frame along the best path; None when the recording is too short for its text."""
        frames = (example.frames.astype(np.float32) - self.mean) / self.scale
        scores = np.maximum(self.network.log_probabilities(frames), FLOOR)
        scores = scores - FREQUENCY_WEIGHT * np.log(self.frequency)
        scores[example.quiet, PAUSE_CLASS] += QUIET_BONUS
        try:
            words = align(scores, example.ways, PAUSE_CLASS, MIN_FRAMES)
        except BadRequest:
            return None
        labels = np.full(len(frames), PAUSE_CLASS)
        for spans in words:
            for span in spans:
                labels[span.first : span.end] = span.sound
        return labels

    def probe(self) -> Probe:
        """With the standardisation within its first layer."""
        hidden, hidden_bias, output, output_bias = self.network.parameters
        scaled = hidden / self.scale[:, None]
        frequency = self.frequency.astype(np.float32)
        return Probe(scaled, hidden_bias - self.mean @ scaled, output, output_bias, frequency)


def first_labels(example: Example) -> np.ndarray:
    """Each word's sounds, vowels longer than consonants, in those frames of its time that are not quiet."""
    labels = np.full(len(example.frames), PAUSE_CLASS)
    for word_ways, (first, last) in zip(example.ways, example.word_frames, strict=True):
        if first < 0:
            continue
        near = np.arange(max(0, first - ATTENTION_DELAY), min(last + 1, len(labels)))
        at = near[~example.quiet[near] & (labels[near] == PAUSE_CLASS)]
        way = np.array(word_ways[0])
        lengths = np.cumsum([VOWEL_LENGTH if CLASSES[sound] in VOWELS else 1.0 for sound in way])
        shares = (np.arange(len(at)) + 0.5) / max(1, len(at))
        labels[at] = way[np.searchsorted(lengths / lengths[-1], shares).clip(max=len(way) - 1)]
    return labels


def main(arguments: argparse.Namespace) -> None:
    settings = Settings(asr_threads=1)
    whisper = load_whisper(locate("whisper-base", settings.models_folder), settings)
    left_out = {speaker_of(line.split("\t")[0]) for line in read_lines(arguments.without)}
    utterances = read_corpus(arguments.corpus, left_out)
    np.random.default_rng(1).shuffle(utterances)
    speakers = {each.speaker for each in utterances}
    print(f"{len(utterances)} recordings of {len(speakers)} speakers", flush=True)
    examples = list(read_examples(utterances, whisper, arguments.frames))
    learner = Learner(examples)
    for round_number, (count, epochs) in enumerate(ROUNDS):
        selection = examples[:count]
        labels = [learner.label(each) if round_number else first_labels(each) for each in selection]
        pairs = [(each, classes) for each, classes in zip(selection, labels, strict=True) if classes is not None]
        learner.learn([each for each, _ in pairs], [classes for _, classes in pairs], epochs)
        print(f"round {round_number + 1}: {len(pairs)} of {len(selection)} recordings could be aligned", flush=True)
    save_probe(learner.probe(), arguments.write)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("corpus", type=Path)
    parser.add_argument(
        "--without", type=Path, required=True, metavar="SCORES", help="a file whose speakers to leave out"
    )
    parser.add_argument("--frames", type=Path, required=True, metavar="FOLDER", help="where to keep the frames")
    parser.add_argument("--write", type=Path, default=PROBE_FILE, metavar="FILE")
    main(parser.parse_args())

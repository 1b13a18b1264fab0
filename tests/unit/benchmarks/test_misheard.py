"""Which heard words count as misheard, the gates that are compared, and the rules' fit."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest

from benchmarks import misheard as benchmark
from benchmarks.hearing.gates import JudgedRecordings, fit_rule, gate_by, judge_recordings, old_gate
from benchmarks.hearing.recordings import HeardRecording, read_cache, read_utterances
from benchmarks.hearing.truth import Truth
from pipeline.text import misheard


@pytest.fixture(scope="module")
def truth() -> Truth:
    return Truth()


@pytest.mark.parametrize(
    ("heard", "text", "wrong"),
    [
        ("I like dogs.", "I LIKE DOGS", []),
        ("I like frogs.", "I LIKE DOGS", ["frogs."]),
        ("I really like dogs.", "I LIKE DOGS", ["really"]),
        ("like dogs", "I LIKE DOGS", []),
        ("Their cat eight it.", "THERE CAT ATE IT", []),
        ("The night has 2 feat", "THE KNIGHT HAS TWO FEET", []),
        ("We saw a flee", "WE SAW A FLEA", []),
        ("He bit a car", "HE BOUGHT A CAR", ["bit"]),
        ("你好 dogs", "I LIKE DOGS", ["你好"]),
    ],
)
def test_words_that_sound_otherwise_than_the_text_are_misheard(truth, heard, text, wrong):
    words = heard.split()
    flags = truth.find_misheard(words, text)
    assert [word for word, flag in zip(words, flags, strict=True) if flag] == wrong


def recording(number: int, heard: str, probability: float, clearness: float, text: str = "") -> HeardRecording:
    words = tuple(heard.split())
    values = (probability,) * len(words)
    return HeardRecording(f"{number:05}0001", text or heard, "en", words, values, (clearness,) * len(words))


def test_the_gate_by_estimates_asks_marks_and_praises_as_the_teacher_does():
    data = judge_recordings([recording(1, "I like dogs.", 0.9, -1.0), recording(2, "I like cats.", 0.9, -1.0)])
    gate = gate_by(data, np.array([0.01, 0.01, 0.01, 0.1, 0.1, 0.9]))
    assert gate.unclear.tolist() == [False] * 5 + [True]
    assert gate.asked.tolist() == [False, True]
    assert gate.praised.tolist() == [True, False]


def test_the_old_gate_asked_by_the_mean_probability():
    heard = [recording(number, "I like dogs.", value, -1.0) for number, value in enumerate((0.95, 0.85, 0.75, 0.4))]
    gate = old_gate(judge_recordings(heard))
    assert gate.asked.tolist() == [False, False, True, True]
    assert gate.praised.tolist() == [True, False, False, False]
    assert gate.unclear.tolist() == [False] * 9 + [True] * 3


def test_recordings_without_english_words_are_left_out():
    silent = HeardRecording("000020001", "I LIKE DOGS", "", (), (), ())
    data = judge_recordings([silent, recording(1, "I like dogs.", 0.9, -1.0, "I LIKE FROGS")])
    assert len(data.recordings) == 1
    assert data.misheard.tolist() == [False, False, True]
    assert data.has_misheard.tolist() == [True]


def made_up_data() -> JudgedRecordings:
    """Of words with an unclear sound four in five are misheard, of others one in five; 20 speakers."""
    random, recordings, wrong = np.random.default_rng(0), [], []
    for number in range(200):
        unclear = random.random(4) < 0.4
        probabilities = tuple(random.uniform(0.3, 0.99, 4).tolist())
        clearness = tuple(np.where(unclear, -4.0, -0.5).tolist())
        words = ("We", "see", "the", "sea.")
        recordings.append(HeardRecording(f"{number % 20:05}{number:04}", "", "en", words, probabilities, clearness))
        wrong.append(random.random(4) < np.where(unclear, 0.8, 0.2))
    speakers = np.array([each.identifier[:-4] for each in recordings])
    return JudgedRecordings(recordings, np.concatenate(wrong), speakers)


def test_the_fit_finds_what_tells_misheard_words():
    rule = fit_rule(made_up_data(), "sounds")
    assert rule.clearness == pytest.approx(-2.77 / 3.5, rel=0.2)  # log odds of 0.8 less those of 0.2, by 3.5
    assert abs(rule.word_odds) < 0.2
    by_probability = fit_rule(made_up_data(), "probability")
    assert by_probability.clearness == 0


def test_fitted_rules_are_written_into_the_module(tmp_path):
    copy = tmp_path / "misheard.py"
    shutil.copy(misheard.__file__, copy)
    benchmark.write_rules(made_up_data(), copy)
    names = {}
    exec(compile(copy.read_text(encoding="utf-8"), str(copy), "exec"), names | {"__name__": "copy"}, names)
    for name, variable in benchmark.RULE_NAMES.items():
        assert vars(names[variable]) == vars(fit_rule(made_up_data(), name))


def test_a_folder_with_a_list_is_read_by_it_and_the_corpus_by_its_training_half(tmp_path):
    (tmp_path / "train").mkdir()
    (tmp_path / "train" / "text").write_text("000010001\tWE CALL IT BEAR\n", encoding="utf-8")
    (tmp_path / "train" / "wav.scp").write_text("000010001\tWAVE/1.WAV\n", encoding="utf-8")
    (of_corpus,) = read_utterances(tmp_path)
    assert (of_corpus.file, of_corpus.text) == (tmp_path / "WAVE" / "1.WAV", "WE CALL IT BEAR")
    (tmp_path / "learners.json").write_text(json.dumps([{"id": "7", "text": "I LIKE DOGS"}]), encoding="utf-8")
    (of_list,) = read_utterances(tmp_path)
    assert (of_list.file, of_list.text) == (tmp_path / "7.wav", "I LIKE DOGS")


def test_what_was_heard_is_read_from_the_file_that_keeps_it(tmp_path):
    heard = recording(1, "I like dogs.", 0.9, -1.0)
    (tmp_path / "heard.jsonl").write_text(json.dumps(vars(heard)) + "\n", encoding="utf-8")
    assert list(read_cache(tmp_path / "heard.jsonl")) == [heard]
    assert list(read_cache(Path(tmp_path / "none"))) == []

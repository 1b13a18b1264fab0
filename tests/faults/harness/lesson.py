"""A lesson for scripted engines: learners, whose turns are known before they are cut; what became of it."""

import functools
import io
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from pipeline.jobs.job import Job
from pipeline.jobs.store import PREFIX
from tests.faults.harness.cluster import Cluster
from tests.faults.harness.injected import LEAST_S, STEP_S
from tests.faults.harness.invariants import stored
from tests.support.recordings import EXAMPLES, sound_of, wav
from worker_segment.audio_stream import SAMPLE_RATE, read_blocks
from worker_segment.segmenter import turn_id
from worker_segment.speaker_turns import find_speaker_turns
from worker_segment.voice_activity import detect_voice_activity

SPEAKERS = ("weijie-luo", "ruoxi-wu", "meiling-huang", "zixuan-yang", "yuxin-li")  # each longer than the one before
PAUSE_S = 1.5


@dataclass(frozen=True)
class Talk:
    """A recording, and the utterance that the scripted ears hear in each of its turns, by the turn's length."""

    audio: bytes
    utterances: tuple[int, ...]


@functools.cache
def talk() -> Talk:
    """The same for all tests."""
    pause = np.zeros(round(PAUSE_S * SAMPLE_RATE), np.float32)
    spoken = [sound_of(EXAMPLES / "recordings" / f"{name}.wav").samples for name in SPEAKERS]
    audio = wav(np.concatenate([part for each in spoken for part in (pause, each)] + [pause]))
    segments = find_speaker_turns(detect_voice_activity(read_blocks(io.BytesIO(audio), 60)))
    lengths = [
        (round(segment.end * SAMPLE_RATE) - round(segment.start * SAMPLE_RATE)) / SAMPLE_RATE for segment in segments
    ]
    utterances = tuple(round((length - LEAST_S) / STEP_S) for length in lengths)
    assert len(set(utterances)) == len(SPEAKERS), utterances
    return Talk(audio, utterances)


@dataclass(frozen=True)
class Lesson:
    """One that was left in a house, when its ledger had `before` entries."""

    house: Cluster
    id: str
    before: int

    @property
    def shown(self) -> dict:
        answer = self.house.client.ask_patiently("GET", f"/v1/lessons/{self.id}")
        assert answer.status_code == 200, answer.text
        return answer.json()

    @property
    def job(self) -> Job:
        return self.house.jobs.get("default", self.id)

    @property
    def turns(self) -> list[Job]:
        return [self.house.jobs.get(*name.split("/")) for name in self.house.jobs.turns_of(self.job)]

    def runs(self, kind: str) -> list[int]:
        """How often an engine of this kind began on each turn."""
        since = self.house.orders.ledger()[self.before :]
        begun = [entry["utterance"] for entry in since if entry["what"] == kind]
        return [begun.count(f"canary{n}") for n in talk().utterances]

    @property
    def ids(self) -> list[str]:
        """Its own, and those of all turns that it may ever have."""
        return [self.id, *(turn_id(self.id, number) for number in range(1, len(SPEAKERS) + 1))]

    def kept(self) -> list[Path]:
        """Its files in the blob store, and those of its turns."""
        return [path for path in stored(self.house) if path.parent.name in self.ids]

    def succeeded(self, seconds: float = 60) -> dict:
        """The lesson as it is shown when it has ended well, with every turn."""
        job = self.house.client.ended(self.id, seconds)
        assert job["state"] == "succeeded", job["error"]
        assert self.house.client.ask_patiently("GET", f"/v1/jobs/{self.id}/audio").status_code == 200
        shown = self.shown
        assert [turn["number"] for turn in shown["turns"]] == [1, 2, 3, 4, 5]
        assert shown["progress"]["done"] == 5
        return shown


def leave(house: Cluster, **fields) -> Lesson:
    """Leave the talk as a lesson; what was heard in it before is to be heard again."""
    house.redis.delete(*house.redis.scan_iter(f"{PREFIX}heard-as:*"), "nothing")
    audio, before = {"audio": ("Monday.wav", talk().audio)}, len(house.orders.ledger())
    answer = house.client.ask("POST", "/v1/lessons", data=fields, files=audio)
    assert answer.status_code == 202, answer.text
    return Lesson(house, answer.json()["id"], before)

"""A lesson for scripted engines: recordings of learners whose turns are known in advance, and its results."""

import functools
import io
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from pipeline.jobs.job import Job
from pipeline.jobs.store import PREFIX
from tests.faults.harness.cluster import FaultCluster
from tests.faults.harness.injected import LEAST_S, STEP_S
from tests.faults.harness.invariants import list_blobs
from tests.support.recordings import EXAMPLES, load_recording, make_wav
from worker_segment.audio_stream import SAMPLE_RATE, read_blocks
from worker_segment.segmenter import turn_id
from worker_segment.speaker_turns import find_speaker_turns
from worker_segment.voice_activity import detect_voice_activity

SPEAKERS = ("weijie-luo", "ruoxi-wu", "meiling-huang", "zixuan-yang", "yuxin-li")  # each longer than the one before
PAUSE_S = 1.5


@dataclass(frozen=True)
class LessonRecording:
    """A recording, and the utterance that is recognised in each of its turns, by the turn's length."""

    audio: bytes
    utterances: tuple[int, ...]


@functools.cache
def make_lesson_recording() -> LessonRecording:
    """The recording of the lesson, which is the same for all tests."""
    pause = np.zeros(round(PAUSE_S * SAMPLE_RATE), np.float32)
    spoken = [load_recording(EXAMPLES / "recordings" / f"{name}.wav").samples for name in SPEAKERS]
    audio = make_wav(np.concatenate([part for each in spoken for part in (pause, each)] + [pause]))
    segments = find_speaker_turns(detect_voice_activity(read_blocks(io.BytesIO(audio), 60)))
    lengths = [
        (round(segment.end * SAMPLE_RATE) - round(segment.start * SAMPLE_RATE)) / SAMPLE_RATE for segment in segments
    ]
    utterances = tuple(round((length - LEAST_S) / STEP_S) for length in lengths)
    assert len(set(utterances)) == len(SPEAKERS), utterances
    return LessonRecording(audio, utterances)


@dataclass(frozen=True)
class Lesson:
    """A lesson that was submitted to a cluster, when its ledger had `ledger_start` entries."""

    cluster: FaultCluster
    id: str
    ledger_start: int

    def fetch(self) -> dict:
        """The lesson as the API shows it."""
        answer = self.cluster.client.ask_patiently("GET", f"/v1/lessons/{self.id}")
        assert answer.status_code == 200, answer.text
        return answer.json()

    @property
    def job(self) -> Job:
        return self.cluster.jobs.get("default", self.id)

    @property
    def turns(self) -> list[Job]:
        return [self.cluster.jobs.get(*name.split("/")) for name in self.cluster.jobs.turns_of(self.job)]

    def count_runs(self, kind: str) -> list[int]:
        """How often an engine of this kind began on each turn."""
        entries = self.cluster.orders.read_ledger()[self.ledger_start :]
        runs = [entry["utterance"] for entry in entries if entry["what"] == kind]
        return [runs.count(f"canary{utterance}") for utterance in make_lesson_recording().utterances]

    @property
    def ids(self) -> list[str]:
        """The job ids of the lesson and of all turns that it may have."""
        return [self.id, *(turn_id(self.id, number) for number in range(1, len(SPEAKERS) + 1))]

    def list_blobs(self) -> list[Path]:
        """The files of the lesson and its turns in the blob store."""
        return [path for path in list_blobs(self.cluster) if path.parent.name in self.ids]

    def expect_success(self, seconds: float = 60) -> dict:
        """The lesson as the API shows it when it has ended well, with every turn."""
        job = self.cluster.client.wait_until_ended(self.id, seconds)
        assert job["state"] == "succeeded", job["error"]
        assert self.cluster.client.ask_patiently("GET", f"/v1/jobs/{self.id}/audio").status_code == 200
        lesson = self.fetch()
        assert [turn["number"] for turn in lesson["turns"]] == [1, 2, 3, 4, 5]
        assert lesson["progress"]["done"] == 5
        return lesson


def submit_lesson(cluster: FaultCluster, **fields) -> Lesson:
    """Submit the recording as a lesson; what was recognised in it before is to be recognised again."""
    cluster.redis.delete(*cluster.redis.scan_iter(f"{PREFIX}heard-as:*"), "nothing")
    audio, ledger_start = {"audio": ("Monday.wav", make_lesson_recording().audio)}, len(cluster.orders.read_ledger())
    answer = cluster.client.ask("POST", "/v1/lessons", data=fields, files=audio)
    assert answer.status_code == 202, answer.text
    return Lesson(cluster, answer.json()["id"], ledger_start)

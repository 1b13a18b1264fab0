"""Homework for scripted engines: a class in which each student has an utterance, and its results."""

from dataclasses import dataclass, field

import httpx

from tests.faults.harness.client import make_recording
from tests.faults.harness.cluster import FaultCluster

STUDENTS = ("Ann", "Ben", "Carl", "Dora", "Emil", "Fay")


@dataclass
class Homework:
    """An assignment in a cluster, and each student's utterance."""

    cluster: FaultCluster
    id: str
    utterances: dict[str, int] = field(default_factory=dict)

    @property
    def path(self) -> str:
        return f"/v1/assignments/{self.id}"

    def hand_in(self, *students: str) -> dict:
        """Hand in their recordings in one request."""
        answer = self.post_submissions(*students)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def post_submissions(self, *students: str) -> httpx.Response:
        """As `hand_in`, whatever the answer is. httpx.TransportError when the connection breaks."""
        for student in students:
            self.utterances.setdefault(student, self.cluster.client.new_utterance())
        files = [("file", (f"{student}.wav", make_recording(self.utterances[student]))) for student in students]
        return self.cluster.client.ask("POST", f"{self.path}/submissions", files=files)

    def fetch(self) -> dict:
        """The assignment as the API shows it."""
        answer = self.cluster.client.ask_patiently("GET", self.path)
        assert answer.status_code == 200, answer.text
        return answer.json()

    @property
    def job_ids(self) -> dict[str, str]:
        """The submitted job of each student."""
        return {each["student"]: each["job"] for each in self.fetch()["submissions"]}

    def expect_success(self) -> dict[str, dict]:
        """The record of each student's job, once all have ended well and had the right words."""
        jobs = {student: self.cluster.client.wait_until_ended(id_) for student, id_ in self.job_ids.items()}
        for student, job in jobs.items():
            assert job["state"] == "succeeded", job["error"]
            assert f"canary{self.utterances[student]}" in job["answer"]["text"]
        return jobs

    def count_runs(self, kind: str) -> list[int]:
        """How often an engine of this kind began on each student's recording."""
        return [len(self.cluster.orders.find_runs(kind, utterance)) for utterance in self.utterances.values()]


def assign(cluster: FaultCluster, id_: str, **fields: object) -> Homework:
    """Set homework for all STUDENTS, or for those that `fields` name."""
    students = [{"name": name} for name in STUDENTS]
    answer = cluster.client.ask("PUT", f"/v1/assignments/{id_}", json={"title": id_, "students": students, **fields})
    assert answer.status_code == 201, answer.text
    return Homework(cluster, id_)

"""Homework for scripted engines: a class whose students each say an utterance of their own; what became of it."""

from dataclasses import dataclass, field

import httpx

from tests.faults.harness.client import recording
from tests.faults.harness.cluster import Cluster

STUDENTS = ("Ann", "Ben", "Carl", "Dora", "Emil", "Fay")


@dataclass
class Homework:
    """An assignment that was set in a house, and which utterance each student says."""

    house: Cluster
    id: str
    says: dict[str, int] = field(default_factory=dict)

    @property
    def place(self) -> str:
        return f"/v1/assignments/{self.id}"

    def hand_in(self, *students: str) -> dict:
        """Hand in their recordings in one request."""
        answer = self.send(*students)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def send(self, *students: str) -> httpx.Response:
        """As `hand_in`, whatever comes of it. httpx.TransportError when it is cut off."""
        for student in students:
            self.says.setdefault(student, self.house.client.utterance())
        files = [("file", (f"{student}.wav", recording(self.says[student]))) for student in students]
        return self.house.client.ask("POST", f"{self.place}/submissions", files=files)

    @property
    def shown(self) -> dict:
        answer = self.house.client.ask_patiently("GET", self.place)
        assert answer.status_code == 200, answer.text
        return answer.json()

    @property
    def ids(self) -> dict[str, str]:
        """The job that counts of each student who handed in."""
        return {each["student"]: each["job"] for each in self.shown["submissions"]}

    def succeeded(self) -> dict[str, dict]:
        """The record of each student's job, once all have ended well and had the right words."""
        jobs = {student: self.house.client.ended(id_) for student, id_ in self.ids.items()}
        for student, job in jobs.items():
            assert job["state"] == "succeeded", job["error"]
            assert f"canary{self.says[student]}" in job["answer"]["text"]
        return jobs

    def runs(self, kind: str) -> list[int]:
        """How often an engine of this kind began on each student's recording."""
        return [len(self.house.orders.runs(kind, n)) for n in self.says.values()]


def assign(house: Cluster, id_: str, **fields: object) -> Homework:
    """Set homework for all STUDENTS, or for those that `fields` name."""
    students = [{"name": name} for name in STUDENTS]
    answer = house.client.ask("PUT", f"/v1/assignments/{id_}", json={"title": id_, "students": students, **fields})
    assert answer.status_code == 201, answer.text
    return Homework(house, id_)

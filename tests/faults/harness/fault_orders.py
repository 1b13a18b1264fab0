"""A test's side of the orders: gives and withdraws them, and reads what the engines wrote down (faulty/orders.py)."""

import json
from dataclasses import dataclass, field
from pathlib import Path


@dataclass
class Orders:
    """Orders in a folder that all processes of a house look into."""

    folder: Path
    given: int = field(default=0)

    def give(self, who: str, place: int | str, word: str, times: int = 1) -> None:
        """Have `who` (asr1, or any asr) do `word` the next `times` times at `place`: utterance n, or a crash point.

        The words are in faulty/orders.py (die, die_all, stop, hang, hang_in_c, hang_with_gil, wait, slow SECONDS,
        fail, memory, full) and in faulty/engines.py (lie, short, blab); the crash points in faulty/points.py.
        """
        for _ in range(times):
            self.given += 1
            writing = self.folder / f"{self.given}.writing"
            writing.write_text(word)
            writing.rename(self.folder / f"{who}.{name(place)}.{self.given:06}.order")

    def withdraw(self, place: int | str = "*") -> None:
        """End every `wait` at `place`, or everywhere, and forget the orders that nobody met yet."""
        for ending in ("order", "taken"):
            for file in self.folder.glob(f"*.{name(place)}.*.{ending}"):
                file.unlink(missing_ok=True)

    def obeyed(self, place: int | str) -> bool:
        """Whether somebody met an order at `place` (and, if it is to wait, waits there)."""
        return any(self.folder.glob(f"*.{name(place)}.*.taken"))

    def runs(self, kind: str, n: int) -> list[dict]:
        """Each time an engine of this kind began on utterance n: its name, pid, leader; for llm the `history`."""
        return [entry for entry in self.ledger() if (entry["what"], entry.get("utterance")) == (kind, name(n))]

    def loaded(self, leader: int) -> bool:
        """Whether the worker with this pid has loaded its engine."""
        return any(entry["what"] == "loaded" and entry["leader"] == leader for entry in self.ledger())

    def ledger(self) -> list[dict]:
        ledger = self.folder / "ledger"
        return [json.loads(line) for line in ledger.read_bytes().splitlines()] if ledger.exists() else []


def name(place: int | str) -> str:
    return f"canary{place}" if isinstance(place, int) else place

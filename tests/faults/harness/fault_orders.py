"""A test's side of the orders: gives and withdraws them, and reads the ledger of what engines did.

The other side, which the processes of a cluster run, is injected/orders.py.
"""

import json
from dataclasses import dataclass, field
from pathlib import Path


@dataclass
class Orders:
    """Orders in a folder that all processes of a cluster look into."""

    folder: Path
    count: int = field(default=0)  # orders given so far

    def give(self, process: str, point: int | str, action: str, times: int = 1) -> None:
        """Have `process` (asr1, or any asr) do `action` the next `times` times at `point`: an utterance or crash point.

        Actions are in injected/orders.py (die, die_all, stop, hang, hang_in_c, hang_with_gil, wait, slow SECONDS, fail,
        memory, full) and in injected/engines.py (wrong_type, too_few, leak); crash points in injected/crash_points.py.
        """
        for _ in range(times):
            self.count += 1
            writing = self.folder / f"{self.count}.writing"
            writing.write_text(action)
            writing.rename(self.folder / f"{process}.{point_name(point)}.{self.count:06}.order")

    def withdraw(self, point: int | str = "*") -> None:
        """End every `wait` at `point`, or everywhere, and forget the orders that nobody met yet."""
        for ending in ("order", "taken"):
            for file in self.folder.glob(f"*.{point_name(point)}.*.{ending}"):
                file.unlink(missing_ok=True)

    def was_met(self, point: int | str) -> bool:
        """Whether some process met an order at `point` (and, if it is to wait, waits there)."""
        return any(self.folder.glob(f"*.{point_name(point)}.*.taken"))

    def find_runs(self, kind: str, utterance: int) -> list[dict]:
        """Each time an engine of this kind began on the utterance: its name, pid, leader; for llm the `history`."""
        canary = point_name(utterance)
        return [entry for entry in self.read_ledger() if (entry["what"], entry.get("utterance")) == (kind, canary)]

    def has_loaded(self, leader: int) -> bool:
        """Whether the worker with this pid has loaded its engine."""
        return any(entry["what"] == "loaded" and entry["leader"] == leader for entry in self.read_ledger())

    def read_ledger(self) -> list[dict]:
        ledger = self.folder / "ledger"
        return [json.loads(line) for line in ledger.read_bytes().splitlines()] if ledger.exists() else []


def point_name(point: int | str) -> str:
    return f"canary{point}" if isinstance(point, int) else point

"""What the queues cost: the same recordings through the house and by direct calls, side by side, one after another.

Run with: python benchmarks/overhead.py [ROUNDS]     (starts its own house in a temporary folder)
"""

import io
import statistics
import sys
import tempfile
import time
from datetime import datetime
from pathlib import Path

from rich.console import Console
from rich.table import Table

from pipeline import personas
from pipeline.audio import decode, encode
from pipeline.settings import Settings
from waijiao.asking import Server
from waijiao.house import House
from waijiao.running import free_port, prepare
from worker_asr import engine as asr
from worker_asr.engine import Recording
from worker_llm import engine as llm
from worker_llm.feedback import understand
from worker_llm.prompt import compose
from worker_tts import engine as tts
from worker_tts.engine import Line
from worker_tts.sentences import speak_all

RECORDINGS = sorted((Path(__file__).parent.parent / "examples" / "learners").glob("*.wav"))[6:40:4]


class Direct:
    """The three models in this process, called one after another."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.asr, self.llm, self.tts = asr.load(settings), llm.load(settings), tts.load(settings)
        self.persona = personas.load(settings.persona, settings.personas)

    def answer(self, recording: Path) -> bytes:
        sound = decode(io.BytesIO(recording.read_bytes()), self.settings.max_recording_s)
        (heard,) = self.asr.transcribe([Recording(sound, "en")])
        prompt = compose(self.persona, [], heard.text, self.settings, self.llm.count_tokens)
        feedback = understand(heard.text, self.llm.reply([prompt])[0], self.persona)
        (spoken,) = speak_all(self.tts, [Line(feedback.spoken)], self.settings.tts_pause_s)
        return encode(spoken, "wav")


def through_the_house(server: Server, recording: Path) -> float:
    """Seconds from acceptance to the answer, by the job's own record, so that polling does not count."""
    job = server.wait(server.submit(recording, {"language": "en"}), lambda _: None)
    assert job["state"] == "succeeded", job
    begun, ended = (datetime.fromisoformat(job[name]) for name in ("created_at", "updated_at"))
    return (ended - begun).total_seconds()


def main(rounds: int) -> None:
    with tempfile.TemporaryDirectory() as folder:
        settings = Settings(home=Path(folder), models=Settings().models_folder, redis_url="", port=free_port())
        prepare(settings)
        direct = Direct(settings)
        with House(settings, {"asr": 1, "llm": 1, "tts": 1}) as house:
            house.wait_until_ready()
            server = Server(house.url)
            through_the_house(server, RECORDINGS[0])
            direct.answer(RECORDINGS[0])
            pairs = []
            for _ in range(rounds):
                for recording in RECORDINGS:
                    begun = time.perf_counter()
                    direct.answer(recording)
                    called = time.perf_counter() - begun
                    pairs.append((called, through_the_house(server, recording)))
    show(pairs)


def show(pairs: list[tuple[float, float]]) -> None:
    """The medians, and the median of what each pair differs by."""
    more = statistics.median(house - called for called, house in pairs)
    ratio = statistics.median(house / called for called, house in pairs)
    table = Table("jobs", "direct calls, s", "through the queues, s", "more, ms", "ratio")
    called, house = (statistics.median(column) for column in zip(*pairs, strict=True))
    table.add_row(str(len(pairs)), f"{called:.3f}", f"{house:.3f}", f"{more * 1000:.0f}", f"{ratio:.3f}")
    Console().print(table)


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 3)

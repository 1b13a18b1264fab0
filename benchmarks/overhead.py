"""What the queues cost: the same recordings through the house and by direct calls, side by side, one after another.

Run with: python benchmarks/overhead.py [ROUNDS]     (starts its own house in a temporary folder)
"""

import io
import statistics
import sys
import tempfile
import time
from itertools import pairwise
from pathlib import Path

from rich.console import Console
from rich.table import Table

from pipeline import personas
from pipeline.audio.decode import decode
from pipeline.audio.encode import encode
from pipeline.jobs.job import MODEL_STAGES
from pipeline.schemas.jobs import Job
from pipeline.settings import Settings
from waijiao.client import Client
from waijiao.local.supervisor import Supervisor
from waijiao.local.up import ONE_WORKER_EACH, free_port, prepare
from worker_asr import engine as asr
from worker_asr.engine import Recording
from worker_llm import engine as llm
from worker_llm.tutor.feedback import build_feedback
from worker_llm.tutor.prompt import compose
from worker_tts import engine as tts
from worker_tts.engine import Utterance
from worker_tts.sentences import join_waveforms, split_sentences

RECORDINGS = sorted((Path(__file__).parent.parent / "examples" / "recordings").glob("*.wav"))


class Direct:
    """The three models in this process, called one after another."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.asr, self.llm, self.tts = asr.load(settings), llm.load(settings), tts.load(settings)
        self.persona = personas.load(settings.persona, settings.personas)

    def answer(self, recording: Path) -> list[float]:
        """Seconds that each stage took."""
        clock = [time.perf_counter()]
        sound = decode(io.BytesIO(recording.read_bytes()), self.settings.max_recording_s)
        (heard,) = self.asr.transcribe([Recording(sound, "en")])
        clock.append(time.perf_counter())
        prompt = compose(self.persona, [], heard.text, self.settings, self.llm.count_tokens)
        feedback = build_feedback(heard.text, self.llm.reply([prompt])[0].text, self.persona)
        clock.append(time.perf_counter())
        waveforms = self.tts.speak([Utterance(sentence) for sentence in split_sentences(feedback.spoken)])
        spoken = join_waveforms(waveforms, self.settings.tts_pause_s)
        encode(spoken, "wav")
        clock.append(time.perf_counter())
        return [end - start for start, end in pairwise(clock)]


def through_the_house(client: Client, recording: Path) -> Job:
    """The ended job."""
    return client.ask(recording, language="en").job


def seconds(job: Job) -> float:
    """From acceptance to the answer, by the job's own record, so that looking for it does not count."""
    return (job.updated_at - job.created_at).total_seconds()


def main(rounds: int) -> None:
    with tempfile.TemporaryDirectory() as folder:
        settings = Settings(home=Path(folder), models=Settings().models_folder, redis_url="", port=free_port())
        prepare(settings, ONE_WORKER_EACH)
        direct = Direct(settings)
        with Supervisor(settings, ONE_WORKER_EACH) as house:
            house.wait_until_ready()
            client = Client(house.url)
            through_the_house(client, RECORDINGS[0])
            direct.answer(RECORDINGS[0])
            pairs = []
            for number in range(rounds * len(RECORDINGS)):
                recording = RECORDINGS[number % len(RECORDINGS)]
                if number % 2:  # neither is always the second to read a file that the other has just read
                    job = through_the_house(client, recording)
                    pairs.append((direct.answer(recording), job))
                else:
                    pairs.append((direct.answer(recording), through_the_house(client, recording)))
    show(pairs)


def show(pairs: list[tuple[list[float], Job]]) -> None:
    """Medians of each stage and of the whole, and of what each pair differs by."""
    table = Table("", "direct call, ms", "in its worker, ms", "waited for it, ms", "more in all, ms", "ratio")
    for number, stage in enumerate(MODEL_STAGES):
        called = [times[number] for times, _ in pairs]
        ran = [job.timings[stage].ran_s for _, job in pairs]
        waited = [job.timings[stage].waited_s for _, job in pairs]
        table.add_row(stage, *(ms(column) for column in (called, ran, waited)), "", "")
    called, house = [sum(times) for times, _ in pairs], [seconds(job) for _, job in pairs]
    more = [b - a for a, b in zip(called, house, strict=True)]
    ratio = statistics.median(b / a for a, b in zip(called, house, strict=True))
    table.add_row(f"{len(pairs)} jobs", ms(called), ms(house), "", ms(more), f"{ratio:.3f}")
    Console().print(table)


def ms(column: list[float]) -> str:
    return f"{statistics.median(column) * 1000:.0f}"


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 3)

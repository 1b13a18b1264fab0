"""One prompt on its way through a batch."""

import logging
import time
from collections.abc import Collection

from pipeline.errors import Canceled, EngineFailed, WaijiaoError
from pipeline.jobs.results import Completion
from worker_llm.choosing import Choice
from worker_llm.engine import Prompt
from worker_llm.written import Written

log = logging.getLogger(__name__)
LOOK_S = 0.1  # seconds between two looks at whether an answer is still wanted


class Row:
    """A prompt of `tokens` that may be answered by `room` more; it has a `result` when it is over."""

    def __init__(self, prompt: Prompt, tokens: list[int], room: int, written: Written) -> None:
        self.prompt, self.tokens, self.room = prompt, tokens, room
        self.choice = Choice(prompt.sampling)
        self.written = written
        self.latest, self.answered, self.looked = -1, 0, 0.0  # its newest token, how many there are; when it looked
        self.result: Completion | WaijiaoError | None = None

    @property
    def outcome(self) -> Completion | WaijiaoError:
        """Of a row that is over."""
        return self.result or EngineFailed()

    @property
    def system(self) -> str | None:
        """The system message that it begins with."""
        first = self.prompt.messages[0]
        return first.content if first.role == "system" else None

    def add(self, token: int | None, ends: Collection[int]) -> None:
        """One more token, which may be one that ends the answer; None when the model gave no numbers to choose by."""
        if token is None:
            log.error("the model's scores are not numbers: %s holds larger ones", "WAIJIAO_LLM_COMPUTE_TYPE=float32")
            self.result = EngineFailed()
            return
        self.latest, self.answered = token, self.answered + 1
        if token in ends or self.written.add(token):
            self.end("stop")
        elif self.answered >= self.room:
            self.end("length")

    def end(self, reason: str) -> None:
        reason = "stop" if self.written.end() else reason
        self.result = Completion(self.written.text, reason, len(self.tokens), self.answered)

    def look(self) -> None:
        """It ends here when nobody wants it any more."""
        now = time.monotonic()
        if self.result is None and now >= self.looked + LOOK_S:
            self.looked = now
            if not self.prompt.wanted():
                self.result = Canceled()

"""The loop that answers prompts together: while some are being written, the next is read, and joins them."""

import logging
import os
from collections import deque
from collections.abc import Callable, Sequence

import torch

from pipeline.errors import EngineFailed, OutOfMemory, WaijiaoError, wordless
from worker_llm.caches import Batch
from worker_llm.choosing import choose
from worker_llm.reading import Reader, Reading
from worker_llm.row import Row

log = logging.getLogger(__name__)


class Decoding:
    """The rows of one call: those that wait, the one that is read, those that are written."""

    def __init__(self, rows: Sequence[Row], reader: Reader) -> None:
        self.reader = reader
        self.waiting = deque(rows)
        self.reading: Reading | None = None
        self.writing, self.batch = list[Row](), Batch()

    @torch.inference_mode()
    def run(self) -> None:
        """Until every row has its result."""
        while self.waiting or self.reading or self.writing:
            self.look()
            self.attempt(self.let_go, self.writing)
            if self.reading:
                self.attempt(self.read_on, [self.reading.row])
            elif self.waiting and len(self.writing) < self.reader.slots:
                self.attempt(self.read_on, [self.waiting[0]])
            if self.writing:
                self.attempt(self.write_on, self.writing)

    def attempt(self, step: Callable[[], None], rows: Sequence[Row]) -> None:
        """Take the step; if it fails, so do the rows, and no others. What they held of the memory is given back."""
        try:
            step()
            return
        except torch.AcceleratorError as error:  # after it the GPU answers this process no more: begin anew
            log.critical("the GPU failed, so this process ends: %s", wordless(error))
            os._exit(os.EX_SOFTWARE)
        except RuntimeError as error:
            failure = cause(error)
        for row in rows:
            row.result = row.result or failure
        self.look()
        self.let_go()
        torch.cuda.empty_cache()

    def look(self) -> None:
        """Those that nobody wants any more get no further."""
        for row in (*self.waiting, *([self.reading.row] if self.reading else []), *self.writing):
            row.look()
        self.waiting = deque(row for row in self.waiting if row.result is None)
        if self.reading and self.reading.row.result:
            self.reading = None

    def let_go(self) -> None:
        """Those that have a result leave the batch."""
        going_on = [place for place, row in enumerate(self.writing) if row.result is None]
        self.batch.keep(going_on)
        self.writing = [self.writing[place] for place in going_on]

    def read_on(self) -> None:
        """Read some more of a prompt; when all is read, it joins the batch with its first token."""
        reading = self.reading = self.reading or Reading(self.waiting.popleft(), self.reader)
        scores = reading.go_on()
        if scores is None:
            return
        row, self.reading = reading.row, None
        if row.system is not None:
            self.reader.beginnings.keep(row.system, row.tokens, reading.cache)
        row.add(choose(scores, [row.choice])[0], self.reader.ends)
        if row.result is None:
            self.batch.join(reading.cache)
            self.writing.append(row)

    def write_on(self) -> None:
        scores = self.batch.step(self.reader.network, [row.latest for row in self.writing])
        tokens = choose(scores, [row.choice for row in self.writing])
        for row, token in zip(self.writing, tokens, strict=True):
            row.add(token, self.reader.ends)


def cause(error: RuntimeError) -> WaijiaoError:
    if isinstance(error, torch.OutOfMemoryError) or "can't allocate memory" in str(error):
        log.error("there was too little memory to answer: %s", wordless(error))
        return OutOfMemory("The language model ran out of memory. Try a shorter chat, or a smaller model.")
    log.error("the language model failed: %s", wordless(error))
    return EngineFailed()

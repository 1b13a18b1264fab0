"""What `waijiao up` says to its terminal."""

from contextlib import suppress
from typing import TextIO


def report(message: str, stream: TextIO) -> None:
    """Print the message. Where it goes to a file on a full disk it is lost, and what runs goes on."""
    with suppress(OSError):
        print(message, file=stream, flush=True)

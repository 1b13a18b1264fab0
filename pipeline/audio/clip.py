"""Extracts a clip out of a recording, in a process of its own: the API loads no decoder, and reads no untrusted sound.

Run as a program it reads the recording from standard input and writes the clip as a WAV file to standard output:
    python -m pipeline.audio.clip START END MAX_S
"""

import io
import subprocess
import sys
import wave
from typing import BinaryIO

from pipeline.errors import BadAudio, WaijiaoError

RATE_HZ = 16_000
MARGIN_S = 0.15  # seconds before and after a word, whose first and last sounds are soft
LIMIT_S = 120  # seconds that cutting may take; it takes one, where the machine is not busy


def extract_clip(recording: BinaryIO, start: float, end: float, max_s: float) -> bytes:
    """The sound from `start` to `end` seconds, with a margin, as a WAV file of 16 bits, mono.

    `max_s`: how long a recording may be. Raises BadAudio when it cannot be decoded, or not in time.
    """
    command = [sys.executable, "-m", "pipeline.audio.clip", str(start), str(end), str(max_s)]
    try:
        process = subprocess.run(command, input=recording.read(), capture_output=True, timeout=LIMIT_S, check=True)
    except (subprocess.CalledProcessError, subprocess.TimeoutExpired) as error:
        raise BadAudio("No clip can be cut out of the recording.") from error
    return process.stdout


def write_clip(recording: BinaryIO, start: float, end: float, max_s: float) -> bytes:
    """As `extract_clip`, in this process. Raises what `decode` raises."""
    import numpy as np

    from pipeline.audio.decode import decode

    samples = decode(recording, max_s, RATE_HZ).samples
    first, last = (round(RATE_HZ * second) for second in (max(0.0, start - MARGIN_S), end + MARGIN_S))
    file = io.BytesIO()
    with wave.open(file, "wb") as clip:
        clip.setnchannels(1)
        clip.setsampwidth(2)
        clip.setframerate(RATE_HZ)
        clip.writeframes((np.clip(samples[first:last], -1, 1) * 32767).astype("<i2").tobytes())
    return file.getvalue()


if __name__ == "__main__":
    try:
        sys.stdout.buffer.write(write_clip(io.BytesIO(sys.stdin.buffer.read()), *map(float, sys.argv[1:4])))
    except WaijiaoError as error:
        sys.exit(f"{error.code}: {error}")

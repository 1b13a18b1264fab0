"""Voice activity: how probably somebody speaks in each 32 ms of each channel, and how loud it is there."""

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Activity:
    """Of a recording of `duration_s` seconds, for each channel and window of 32 ms, shape (channels, windows).

    `speech` is the probability that somebody speaks, `level` the root mean square in dBFS: 0 for a full-scale square.
    """

    speech: np.ndarray
    level: np.ndarray
    duration_s: float

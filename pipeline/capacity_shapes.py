"""The JSON that the API answers with about how much work the house does, as types."""

from typing import Literal

from pipeline.shapes import Seconds, Shape, Stage

Place = Literal["cpu", "gpu", "server"]


class Waiting(Shape):
    """Jobs that are ready for a model and that no worker has, by lane."""

    interactive: int
    homework: int
    bulk: int


class ModelCapacity(Shape):
    """One model's workers, and their speed of late.

    A job runs `ran_s` seconds, and takes a worker `each_s`: less where several run at once. Null until it has answered.
    It `computes_on` the cores of its worker's machine, a GPU, or a server of somebody else's.
    """

    ready: int
    loading: int
    running: int
    waiting: Waiting
    ran_s: Seconds | None
    each_s: Seconds | None
    computes_on: Place


class Capacity(Shape):
    """How much work the models do. The recordings that were recognised of late last `heard_s` seconds, on average.

    `cores` are those that the API's own machine lets it use.
    """

    models: dict[Stage, ModelCapacity]
    heard_s: Seconds | None
    cores: int

"""The JSON of the API's responses about the server: its workers, its room, what it offers, and how much it can do."""

from typing import Literal

from pydantic import Field

from pipeline.schemas.jobs import ResponseModel, Seconds, Stage

ComputeLocation = Literal["cpu", "gpu", "server"]


class Alive(ResponseModel):
    alive: Literal[True]


class Workers(ResponseModel):
    ready: int
    loading: int
    waiting: int


class Storage(ResponseModel):
    """Whether new work can be stored: the disk with the least room, and whether Redis takes writes.

    With a disk that is `full`, or a Redis that refuses writes, new work is refused; reading and erasing go on.
    """

    disk: Literal["enough", "low", "full"]
    folder: str
    free_bytes: int
    needed_bytes: int = Field(description="that must stay free, WAIJIAO_MIN_FREE_MB; with less the disk is `full`")
    redis_refuses: Literal["memory", "disk", "read_only", "other"] | None = Field(
        description="why Redis refuses to store anything new; null while it does not"
    )
    advice: list[str] = Field(description="what to do; empty while there is nothing to do")


class Readiness(ResponseModel):
    """Whether a job sent now would be processed; `models` counts each model's workers and its waiting jobs."""

    ready: bool
    models: dict[Stage, Workers]
    redis: str | None = Field(None, description="the server of the records and its version; for administrators")
    storage: Storage | None = Field(None, description="room for new work; for administrators")


class Caller(ResponseModel):
    """The owner of the request's key; an administrator without a name where no key is needed."""

    id: str | None
    role: Literal["learner", "teacher", "admin"]
    name: str | None
    tenant: str


class Login(ResponseModel):
    """Whether a key is needed here, and the caller; null without a valid key."""

    keys_needed: bool
    caller: Caller | None


class Teacher(ResponseModel):
    """A persona. `display` and `about` are by language; it listens to `languages`, and teaches the first of them.

    `greetings`: the greeting in other languages than the one that is taught.
    """

    name: str
    display: dict[str, str]
    about: dict[str, str]
    greeting: str
    greetings: dict[str, str]
    languages: list[str]


class Speeds(ResponseModel):
    min: float
    max: float


class Limits(ResponseModel):
    """What is accepted. Of a job: megabytes (10^6 bytes) and seconds of a recording, characters of typed text. Of a
    lesson: megabytes. Of a homework upload: megabytes and files.
    """

    upload_mb: int
    recording_s: int
    text_chars: int
    lesson_mb: int
    hand_in_mb: int
    hand_in_files: int


class Capabilities(ResponseModel):
    """What this server offers. `persona` is the default; answers are kept for `retention_h` hours."""

    version: str
    personas: list[Teacher]
    persona: str
    voices: list[str]
    formats: list[str]
    speed: Speeds
    limits: Limits
    retention_h: int
    keeps_recordings: bool


class WaitingJobs(ResponseModel):
    """Jobs that are ready for a model and that no worker has, by lane."""

    interactive: int
    homework: int
    bulk: int


class ModelCapacity(ResponseModel):
    """One model's workers, and their recent speed.

    A job runs `ran_s` seconds, and takes a worker `each_s`: less where several run at once. Null until it has answered.
    It `computes_on` the cores of its worker's machine, a GPU, or another server.
    """

    ready: int
    loading: int
    running: int
    waiting: WaitingJobs
    ran_s: Seconds | None
    each_s: Seconds | None
    computes_on: ComputeLocation


class Capacity(ResponseModel):
    """How much work the models do. The recently recognised recordings last `heard_s` seconds on average.

    `cores` are those that the API's own machine lets it use.
    """

    models: dict[Stage, ModelCapacity]
    heard_s: Seconds | None
    cores: int

"""Every setting, one line each: name, default, unit. The comments become docs/settings.md.

Set NAME by the environment variable WAIJIAO_NAME, or by a file waijiao_name in the folder of secrets.
"""

import os
import re
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Literal, Self

from pydantic import Field, field_validator, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from pipeline.ip_ranges import parse_networks
from pipeline.text.nearest import find_nearest

DATA_HOME = Path(os.environ.get("XDG_DATA_HOME") or Path.home() / ".local" / "share")
SECRETS = Path(os.environ.get("WAIJIAO_SECRETS") or "/run/secrets")  # where Docker and Podman mount them
ORIGIN_FORMAT = re.compile(r"https?://[a-z0-9.-]+(:[0-9]+)?")


def split_list(text: str) -> tuple[str, ...]:
    """The items of a comma-separated list."""
    return tuple(each.strip() for each in text.split(",") if each.strip())


def readable_folder(folder: Path) -> Path | None:
    """The folder; None when it does not exist or this user may not read it."""
    return folder if folder.is_dir() and os.access(folder, os.R_OK | os.X_OK) else None


class Settings(BaseSettings):
    """The settings of a process, read once at start-up: variables first, then files for what no variable sets."""

    model_config = SettingsConfigDict(
        env_prefix="WAIJIAO_", secrets_dir=readable_folder(SECRETS), frozen=True, extra="ignore"
    )

    # where files are kept
    home: Path = DATA_HOME / "waijiao"  # folder of everything below, and of the embedded Redis
    models: Path | None = None  # folder of model files; default HOME/models
    models_from: Path | None = None  # folder that `waijiao models fetch` copies from before it asks the network
    blobs: Path | None = None  # folder of recordings and answers; default HOME/blobs
    personas: Path = Path(__file__).resolve().parent.parent / "personas"  # folder of persona files
    secrets: Path = SECRETS  # folder of files such as `waijiao_redis_url`, each the value of one setting
    redis_url: str = ""  # redis://…, rediss://… or unix://…; empty: the embedded one in HOME

    # the HTTP API
    host: str = "127.0.0.1"  # address the API listens on
    port: int = 8000  # TCP port the API listens on
    tls_certificate: Path | None = None  # PEM file of a certificate: the API speaks https with other machines
    tls_key: Path | None = None  # PEM file of the certificate's private key; default: in the certificate's file
    keys: bool = False  # require a key of `waijiao key create`; without it the API listens on this machine only
    key_per_minute: int = Field(default=60, ge=0)  # jobs a new key may submit a minute; 0: no limit
    key_minutes_a_day: int = Field(default=0, ge=0)  # minutes of recordings a day (UTC) for a new key; 0: no limit
    cors_origins: str = ""  # comma-separated origins whose pages may use the API: https://school.example
    api_processes: int = Field(default=2, ge=1)  # processes of the API
    api_threads: int = Field(default=256, ge=2)  # requests that one process serves at once
    most_waiting: int = Field(default=200, ge=0)  # requests that may wait for a job at once; at most 4/5 of api_threads
    wait_s: float = Field(default=25, ge=0)  # seconds a request may wait for a job to change or to end
    events_s: float = Field(default=600, ge=0)  # seconds a stream of events lasts before its client reconnects
    alone_s: float = Field(default=300, gt=0)  # seconds a request to a single model waits for its result (`/v1/chat/…`)
    url: str = "http://127.0.0.1:8000"  # where the `waijiao` command finds the API
    key: str = ""  # the key that the `waijiao` command sends
    max_upload_mb: int = 25  # megabytes (10^6 bytes) one recording may have
    max_recording_s: int = 300  # seconds one recording may last
    max_hand_in_mb: int = Field(default=1000, ge=1)  # megabytes one homework upload may have
    max_hand_in_files: int = Field(default=2000, ge=1)  # recordings one homework upload, or one ZIP, may have
    max_lesson_mb: int = Field(default=2000, ge=1)  # megabytes a lesson's recording may have
    max_lesson_s: int = Field(default=14_400, ge=1)  # seconds a lesson may last
    lesson_s: int = Field(default=3600, ge=1)  # seconds the segmentation of a lesson into turns may take
    max_text_chars: int = 2000  # characters of typed text one job may have
    min_free_mb: int = Field(default=200, ge=0)  # megabytes that must stay free on the disk; else new jobs are refused

    # the teacher
    safety: Path | None = None  # TOML file of a school's own words and contact for child safety
    persona: str = "william"  # persona of a job that names none
    history_turns: int = 10  # earlier turns that the language model sees at most; old ones are dropped in blocks
    prompt_tokens: int = 1500  # tokens of persona, history and question together
    answer_tokens: int = 160  # tokens the language model's answer may have

    # limits of unfinished jobs
    max_jobs: int = Field(default=10_000, ge=1)  # unfinished jobs the whole server may have
    max_jobs_tenant: int = Field(default=5_000, ge=1)  # unfinished jobs one tenant may have
    max_jobs_session: int = Field(default=100, ge=1)  # unanswered turns one session may have

    # webhooks
    webhook_attempts: int = Field(default=8, ge=1)  # attempts to deliver a webhook
    webhook_s: float = Field(default=10, gt=0)  # seconds one attempt may take
    webhook_networks: str = ""  # comma-separated CIDRs of your own network that webhooks may be sent to

    # times and attempts
    deadline_s: int = Field(default=86_400, ge=0)  # seconds after which an unanswered job expires
    retention_h: int = Field(default=168, ge=1)  # hours a finished job, its audio and its session are kept
    ledger_days: int = Field(default=365, ge=0)  # days what a learner said is kept in the mistake ledger; 0: no ledger
    keep_recordings: bool = False  # keep a learner's recording after it was transcribed
    attempts: int = Field(default=3, ge=1)  # attempts at a stage before the job fails
    lease_s: float = Field(default=30, ge=0)  # seconds a claimed job stays claimed without a renewal
    sweep_s: float = Field(default=2, gt=0)  # seconds between two sweeps for lost work
    orphan_s: float = Field(default=3600, gt=0)  # seconds after which a blob without a record is removed
    stage_s: int = Field(default=120, ge=1)  # seconds one stage may run on one batch: the soft limit
    stall_s: float = Field(default=10, gt=0)  # seconds a worker may be idle with jobs waiting, before it restarts
    shutdown_s: float = Field(default=8, ge=0)  # seconds a worker has to finish its work when told to stop
    load_s: int = 300  # seconds an engine may take to load

    # speech to text
    asr_engine: str = "faster-whisper"  # the only engine of this stage
    asr_model: str = "whisper-base"  # a name of `waijiao models list`, or a folder
    asr_device: str = "cpu"  # cpu or cuda
    asr_gpu: int = Field(default=0, ge=0)  # which GPU, counted from 0, when the device is cuda
    asr_gpu_fraction: float = Field(default=1.0, gt=0, le=1)  # share of that GPU's memory one worker may take
    asr_compute_type: str = "auto"  # int8, int8_float16, float16, float32; auto: int8 on a CPU, float16 on a GPU
    asr_threads: int = Field(default=1, ge=1)  # compute threads of one worker
    asr_beam: int = Field(default=5, ge=1)  # beams; 1 is greedy, a little faster and a little worse
    asr_batch: int = Field(default=1, ge=1)  # jobs one worker takes at once
    asr_windows: int = Field(default=8, ge=1)  # windows of a recording over 30 s that are recognised at once on a GPU
    clearness: Literal["on", "off"] = "on"  # of words read aloud, for homework that asks for it; with Whisper base only
    practice_clearness: Literal["on", "off"] = "off"  # of what learners say again; docs/clearness.md says for whom

    misheard: Literal["sounds", "probability"] = "sounds"  # tell misheard words by; sounds: with Whisper base only

    # language model
    llm_engine: str = "llama.cpp"  # llama.cpp, transformers or openai
    llm_model: str = "smollm2-135m"  # a name of `waijiao models list`, a file or folder, or the server's name for it
    llm_device: str = "cpu"  # cpu or cuda; for transformers
    llm_gpu: int = Field(default=0, ge=0)  # which GPU, counted from 0
    llm_gpu_fraction: float = Field(default=1.0, gt=0, le=1)  # share of that GPU's memory one worker may take
    llm_gpu_layers: int = 0  # layers that llama.cpp puts on the GPU
    llm_compute_type: str = "auto"  # float32, float16, bfloat16, int8, int4; auto: float32 on a CPU, else the model's
    llm_threads: int = Field(default=1, ge=1)  # compute threads of one worker
    llm_context: int = 4096  # tokens of context
    chat_tokens: int = Field(default=512, ge=1)  # tokens an answer of the language model alone may have, by default
    chat_tokens_learner: int = Field(default=2048, ge=1)  # tokens that a learner's key may ask for with max_tokens
    llm_batch: int = Field(default=4, ge=1)  # jobs one worker takes at once
    llm_remote_code: Path | None = None  # folder of a model whose own Python code may run; only if you trust it
    llm_url: str = ""  # of an OpenAI-compatible server, such as http://127.0.0.1:11434/v1
    llm_key: str = ""  # the key that is sent to it
    llm_reply_s: float = Field(default=60, gt=0)  # seconds that server may pause before or within its answer
    llm_suggests: Literal["auto", "on", "off"] = "auto"  # its corrections are suggested to the checker; auto: if good
    checker: Literal["grammar", "none"] = "grammar"  # what checks learners' sentences; none: no correction, no praise
    checker_threads: int = Field(default=1, ge=1)  # compute threads of the checker in one worker

    # text to speech
    tts_engine: str = "hibari"  # hibari or bark
    tts_model: str = "hibari-heart"  # a name of `waijiao models list`, or a file or folder
    tts_voices: str = "bark-voices"  # Bark's voice prompts: a name of `waijiao models list`, or a folder
    tts_chinese: Literal["kokoro", "none"] = "none"  # speaks Chinese sentences beside that engine
    tts_device: str = "cpu"  # cpu or cuda; for Bark
    tts_gpu: int = Field(default=0, ge=0)  # which GPU, counted from 0
    tts_gpu_fraction: float = Field(default=1.0, gt=0, le=1)  # share of that GPU's memory one worker may take
    tts_compute_type: str = "auto"  # float32 or float16; auto: float32 on a CPU, float16 on a GPU
    tts_threads: int = Field(default=1, ge=1)  # compute threads of one worker
    tts_batch: int = Field(default=1, ge=1)  # jobs one worker takes at once
    tts_pause_s: float = 0.25  # seconds of silence between two sentences

    @model_validator(mode="after")
    def require_keys_on_networks(self) -> Self:
        if self.host not in {"127.0.0.1", "::1", "localhost"} and not self.keys:
            raise ValueError(
                f"listening on {self.host} would let anybody on the network use this server without a key. Set "
                "WAIJIAO_KEYS=true, and make a key with `waijiao key create`; or listen on 127.0.0.1."
            )
        return self

    @model_validator(mode="after")
    def require_certificate_of_key(self) -> Self:
        if self.tls_key and not self.tls_certificate:
            raise ValueError("WAIJIAO_TLS_KEY is the key of a certificate: name that in WAIJIAO_TLS_CERTIFICATE.")
        return self

    @field_validator("cors_origins")
    @classmethod
    def check_origins(cls, text: str) -> str:
        if invalid := [origin for origin in split_list(text) if not ORIGIN_FORMAT.fullmatch(origin)]:
            raise ValueError(
                f"{invalid[0]!r} is not an origin: write it like https://school.example or http://host:8080"
            )
        return text

    @field_validator("webhook_networks")
    @classmethod
    def check_networks(cls, text: str) -> str:
        parse_networks(text)
        return text

    @property
    def origins(self) -> tuple[str, ...]:
        return split_list(self.cors_origins)

    @property
    def models_folder(self) -> Path:
        return self.models or self.home / "models"

    @property
    def blobs_folder(self) -> Path:
        return self.blobs or self.home / "blobs"


def find_unknown_variables(environment: Mapping[str, str]) -> dict[str, str]:
    """The variables WAIJIAO_… that are not settings, each with the setting that is spelt most like it, or ""."""
    names = [f"WAIJIAO_{name.upper()}" for name in Settings.model_fields]
    unknown = [name for name in environment if name.startswith("WAIJIAO_") and name not in names]
    return {name: find_nearest(name, names) for name in sorted(unknown)}


@cache
def settings() -> Settings:
    """This process's settings."""
    return Settings()

"""What can go wrong, one class for each thing a caller can act on."""

import traceback
from typing import TYPE_CHECKING, Any, ClassVar

if TYPE_CHECKING:
    from pipeline.schemas.jobs import Job


class WaijiaoError(Exception):
    """The root of the tree. `detail` says what happened and what to do; it never holds a learner's words."""

    code: str = "internal"
    http_status: int = 500
    retryable: bool = False  # whether the caller may send the same again with hope
    try_again: ClassVar[bool] = False  # whether the worker may try the same work again with hope
    job: "Job | None" = None  # which ended with it, where a client is told so

    def __init__(self, detail: str = "", retry_after_s: float = 1, field: str = "") -> None:
        super().__init__(detail or self.meaning())
        self.retry_after_s = retry_after_s  # seconds after which the caller may try again, when it may
        self.field = field  # of the request, when a single one is at fault

    @classmethod
    def meaning(cls) -> str:
        """What an error of this class means, as a sentence for the caller: its docstring after "Raised when"."""
        told = (cls.__doc__ or "").strip().removeprefix("Raised when ").removeprefix("Raised at start-up when ")
        return told[:1].upper() + told[1:]

    @property
    def detail(self) -> str:
        return str(self)

    @property
    def status(self) -> int:
        """The HTTP status that it goes with; in a client, that it came with."""
        return self.http_status

    def as_dict(self) -> dict[str, Any]:
        return {"code": self.code, "detail": self.detail, "retryable": self.retryable}


def coded(code: str) -> type[WaijiaoError]:
    """The class that has this code; the root, which is an error of ours, when none has."""
    tree = [WaijiaoError]
    for each in tree:  # which grows meanwhile
        tree += each.__subclasses__()
    return next((each for each in tree if each.code == code), WaijiaoError)


def safe_traceback(error: Exception) -> str:
    """What was raised and where, for a log, without its message: that may hold a learner's words."""
    return f"{type(error).__name__}\n{''.join(traceback.format_tb(error.__traceback__))}"


# --- the request -----------------------------------------------------------------------------------------------


class BadRequest(WaijiaoError):
    """Raised when a field of the request is missing or has a value that cannot be used."""

    code, http_status = "bad_request", 422


class EmptyRequest(WaijiaoError):
    """Raised when a job has neither a recording nor text. Send `audio`, or `text`, or both."""

    code, http_status = "empty_request", 422


class NotAudio(WaijiaoError):
    """Raised when the uploaded bytes are of no known audio format. Send wav, mp3, m4a, aac, ogg, opus, webm or flac."""

    code, http_status = "not_audio", 415


class TooLarge(WaijiaoError):
    """Raised when an upload has more bytes than the server accepts. Record in a compressed format, or shorter."""

    code, http_status = "too_large", 413


class PromptTooLong(WaijiaoError):
    """Raised when the messages of a chat have more tokens than the language model can read. Send less of it."""

    code, http_status = "prompt_too_long", 422


class ModelNotFound(WaijiaoError):
    """Raised when a model is asked for by a name that none has that can do this here. GET /v1/models lists them."""

    code, http_status = "model_not_found", 404


class UnknownPersona(WaijiaoError):
    """Raised when no persona file has this name."""

    code, http_status = "unknown_persona", 422


class UnknownVoice(WaijiaoError):
    """Raised when the voice that was asked for cannot be spoken here."""

    code, http_status = "unknown_voice", 422


class UnknownFormat(WaijiaoError):
    """Raised when the answer is asked for in a format we do not write."""

    code, http_status = "unknown_format", 422


class UnknownJob(WaijiaoError):
    """Raised when there is no such job: never submitted, or its retention has passed."""

    code, http_status = "unknown_job", 404


class NothingFits(WaijiaoError):
    """Raised when answers are asked for, and no job fits: none was submitted, none is kept, or none is the caller's."""

    code, http_status = "nothing_fits", 404


class TooManyFit(WaijiaoError):
    """Raised when more jobs fit than one archive may have. Ask for fewer at a time, such as a session's."""

    code, http_status = "too_many_fit", 422


class UnknownSession(WaijiaoError):
    """Raised when there is no such session: nothing was said in it, or its retention has passed."""

    code, http_status = "unknown_session", 404


class UnknownAssignment(WaijiaoError):
    """Raised when there is no such assignment: it was never set, it was erased, or its retention has passed."""

    code, http_status = "unknown_assignment", 404


class UnknownLesson(WaijiaoError):
    """Raised when there is no such lesson: it was never left, or its retention has passed."""

    code, http_status = "unknown_lesson", 404


class AssignmentExists(WaijiaoError):
    """Raised when another assignment has this id. Choose another id, or replace it with PUT."""

    code, http_status = "assignment_exists", 409


class NotHeld(WaijiaoError):
    """Raised when an answer is reviewed that does not wait for the teacher: not yet, not any more, or never."""

    code, http_status = "not_held", 409


class CannotRerun(WaijiaoError):
    """Raised when a job cannot be done again from that stage: what it would begin with was never made, or is gone."""

    code, http_status = "cannot_rerun", 409


class Erased(WaijiaoError):
    """Raised when the job's data was erased on request. It cannot be brought back."""

    code, http_status = "erased", 410


class AnswerNotReady(WaijiaoError):
    """Raised when the answer's audio is asked for before it is spoken. Ask again after Retry-After seconds."""

    code, http_status, retryable = "answer_not_ready", 409, True


class NoAnswer(WaijiaoError):
    """Raised when the job ended without an answer, so there is no audio. The job's `error` says why."""

    code, http_status = "no_answer", 409


class UnknownPart(WaijiaoError):
    """Raised when an answer has not as many sentences as the number that was asked for."""

    code, http_status = "unknown_part", 404


class Unavailable(WaijiaoError):
    """Raised when the server cannot reach its store. Nothing was accepted; try again after Retry-After seconds."""

    code, http_status, retryable, try_again = "unavailable", 503, True, True


class ServerFull(WaijiaoError):
    """Raised when the server has as many unfinished jobs as it may. Nothing was accepted; try again later."""

    code, http_status, retryable = "server_full", 503, True


class TooManyWaiting(WaijiaoError):
    """Raised when as many requests wait for an answer as may at once. Nothing was accepted; try again."""

    code, http_status, retryable = "too_many_waiting", 503, True


class QuotaFull(WaijiaoError):
    """Raised when a tenant or a session has as many unfinished jobs as it may. Nothing was accepted; try again."""

    code, http_status, retryable = "quota_full", 429, True


class KeyReused(WaijiaoError):
    """Raised when an Idempotency-Key comes again with another request. Use a new key for each new request."""

    code, http_status = "idempotency_key_reused", 422


class NotDead(WaijiaoError):
    """Raised when a job is to be retried that did not fail by a lost, slow or failing worker. Send it anew instead."""

    code, http_status = "not_dead", 409


# --- who asks --------------------------------------------------------------------------------------------------


class KeyMissing(WaijiaoError):
    """Raised when a request shows no key. Send `Authorization: Bearer KEY`; `waijiao key create` makes one."""

    code, http_status = "key_missing", 401


class KeyUnknown(WaijiaoError):
    """Raised when a request shows a key that was never made, or was revoked. `waijiao key create` makes one."""

    code, http_status = "key_unknown", 401


class RoleTooLow(WaijiaoError):
    """Raised when a key may not do this. Ask somebody whose key may."""

    code, http_status = "role_too_low", 403


class UnknownKeyId(WaijiaoError):
    """Raised when no key has this id. `waijiao key list` lists them."""

    code, http_status = "unknown_key_id", 404


class RateLimited(WaijiaoError):
    """Raised when a key has submitted as many jobs as it may in a minute. Nothing was accepted; try again later."""

    code, http_status, retryable = "rate_limited", 429, True


class MinutesUsed(WaijiaoError):
    """Raised when a key has had as many minutes of recordings heard as it may on this day. Nothing was accepted."""

    code, http_status, retryable = "minutes_used", 429, True


class ForeignOrigin(WaijiaoError):
    """Raised when a page of another site asks and shows no key. Name its origin in WAIJIAO_CORS_ORIGINS if it may."""

    code, http_status = "foreign_origin", 403


class ForeignHost(WaijiaoError):
    """Raised when a request names another host than this machine, while no key is needed: a page may have forged it."""

    code, http_status = "foreign_host", 421


# --- what is handed in -------------------------------------------------------------------------------------------


class BadRoster(WaijiaoError):
    """Raised when the list of a class cannot be used; the message names the line, and what stands there."""

    code, http_status = "bad_roster", 422


class UnknownStudent(WaijiaoError):
    """Raised when a file's name has no student of the class. Put the student's name or number into it."""

    code, http_status = "unknown_student", 422


class AmbiguousStudent(WaijiaoError):
    """Raised when a file's name fits several students equally. Put the full name or number of one into it."""

    code, http_status = "ambiguous_student", 422


class DoubledStudent(WaijiaoError):
    """Raised when several files are one student's, so that none of them is taken. Leave the one that counts."""

    code, http_status = "doubled_student", 422


class BadArchive(WaijiaoError):
    """Raised when a ZIP, or a file in it, is truncated, damaged, or packed in a way that is not read. Pack it anew."""

    code, http_status = "bad_archive", 422


class TooManyFiles(WaijiaoError):
    """Raised when a ZIP has more files than are taken at once; none was read. Send them in several."""

    code, http_status = "too_many_files", 422


class NestedArchive(WaijiaoError):
    """Raised when a file in a ZIP is an archive itself, which is not opened. Pack the recordings alone."""

    code, http_status = "nested_archive", 422


class Encrypted(WaijiaoError):
    """Raised when a file in a ZIP is encrypted. Pack it without a password."""

    code, http_status = "encrypted", 422


# --- the recording ---------------------------------------------------------------------------------------------


class BadAudio(WaijiaoError):
    """Raised when a recording cannot be decoded: truncated, empty, damaged, or not audio inside. Record it again."""

    code, http_status = "bad_audio", 422


class TooLong(WaijiaoError):
    """Raised when a recording is longer than the server accepts. Cut it into shorter recordings."""

    code, http_status = "too_long", 422


class NoSpeech(WaijiaoError):
    """Raised when nobody speaks in the recording. Record again, closer to the microphone."""

    code, http_status, retryable = "no_speech", 422, True


# --- the work --------------------------------------------------------------------------------------------------


class EngineFailed(WaijiaoError):
    """Raised when a model failed on this job. The worker's log has the cause."""

    code, retryable, try_again = "engine_failed", True, True


class TooSlow(WaijiaoError):
    """Raised when a stage took longer than it may. Try a shorter recording, or a faster model."""

    code, http_status, retryable, try_again = "too_slow", 504, True, True


class OutOfMemory(WaijiaoError):
    """Raised when a model ran out of memory on this job. Try a shorter recording, or a smaller model."""

    code, retryable, try_again = "out_of_memory", True, True


class WorkerLost(WaijiaoError):
    """Raised when the worker died on this job as often as a job may be tried."""

    code, retryable = "worker_lost", True


class BegunAnew(WaijiaoError):
    """Raised when a worker died after a part of its answer was sent, and the one begun anew is another. Ask again."""

    code, retryable = "begun_anew", True


class BrokenRecord(WaijiaoError):
    """Raised when a stored record cannot be read. The server's log names the field."""


class Expired(WaijiaoError):
    """Raised when a job was not answered before its deadline."""

    code, http_status, retryable = "expired", 504, True


class Canceled(WaijiaoError):
    """Raised when a job was canceled by its owner before it was answered."""

    code, http_status = "canceled", 409


class NothingToSay(WaijiaoError):
    """Raised when the answer has nothing that this voice can speak, such as another script. Choose another voice."""

    code, http_status = "nothing_to_say", 422


# --- the installation ------------------------------------------------------------------------------------------


class ConfigurationError(WaijiaoError):
    """Raised at start-up when a setting cannot work; the message names the setting and what it may be."""

    code = "configuration"


class UnknownEngine(ConfigurationError):
    """Raised at start-up when a setting names an engine that does not exist."""


class ModelMissing(ConfigurationError):
    """Raised at start-up when a model's files are not in place; the message names the command that fetches them."""


class ModelDamaged(ConfigurationError):
    """Raised when a model's file does not have the size or sha256 that the catalogue states."""


class SourcesExhausted(ConfigurationError):
    """Raised when a model could not be fetched from any of its sources; the message says what to do instead."""

"""The errors: one class for each case that a caller can act on."""

import traceback
from typing import Any, ClassVar


class WaijiaoError(Exception):
    """The base class. `detail` says what happened and what to do; it never contains a learner's words."""

    code: str = "internal"
    http_status: int = 500
    retryable: bool = False  # whether the same request may succeed later
    try_again: ClassVar[bool] = False  # whether the worker tries the same work again
    job: Any = None  # the job that ended with it, a pipeline.schemas.jobs.Job; set by the client library

    def __init__(self, detail: str = "", retry_after_s: float = 1, field: str = "") -> None:
        super().__init__(detail or self.meaning())
        self.retry_after_s = retry_after_s  # seconds after which the caller may try again, when it may
        self.field = field  # of the request, when a single one is at fault

    @classmethod
    def meaning(cls) -> str:
        """What an error of this class means, as a sentence for the caller: its docstring after "Raised when"."""
        text = (cls.__doc__ or "").strip().removeprefix("Raised when ").removeprefix("Raised at start-up when ")
        return text[:1].upper() + text[1:]

    @property
    def detail(self) -> str:
        return str(self)

    @property
    def status(self) -> int:
        """The HTTP status of a response with this error; in the client library, of the response that it came in."""
        return self.http_status

    def as_dict(self) -> dict[str, Any]:
        return {"code": self.code, "detail": self.detail, "retryable": self.retryable}


def error_class(code: str) -> type[WaijiaoError]:
    """The class with this code; WaijiaoError, whose code is "internal", when there is none."""
    classes = [WaijiaoError]
    for each in classes:  # the list grows in the loop, so that it has the subclasses of subclasses, too
        classes += each.__subclasses__()
    return next((each for each in classes if each.code == code), WaijiaoError)


def safe_traceback(error: Exception) -> str:
    """The error's type and traceback for a log, without its message, which may contain a learner's words."""
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
    """Raised when a chat's messages have more tokens than the language model's context. Send fewer or shorter ones."""

    code, http_status = "prompt_too_long", 422


class ModelNotFound(WaijiaoError):
    """Raised when no model here that can do this has the requested name. GET /v1/models lists the models."""

    code, http_status = "model_not_found", 404


class UnknownPersona(WaijiaoError):
    """Raised when no persona file has this name."""

    code, http_status = "unknown_persona", 422


class UnknownVoice(WaijiaoError):
    """Raised when the speech model does not have the requested voice."""

    code, http_status = "unknown_voice", 422


class UnknownFormat(WaijiaoError):
    """Raised when an answer is requested in a format that is not supported."""

    code, http_status = "unknown_format", 422


class UnknownJob(WaijiaoError):
    """Raised when there is no such job: never submitted, or its retention has passed."""

    code, http_status = "unknown_job", 404


class NothingFits(WaijiaoError):
    """Raised when no job matches the request for answers: never submitted, no longer kept, or not the caller's."""

    code, http_status = "nothing_fits", 404


class TooManyFit(WaijiaoError):
    """Raised when more jobs match than one archive may have. Select fewer, such as those of one session."""

    code, http_status = "too_many_fit", 422


class UnknownSession(WaijiaoError):
    """Raised when there is no such session: nothing was said in it, or its retention has passed."""

    code, http_status = "unknown_session", 404


class UnknownAssignment(WaijiaoError):
    """Raised when there is no such assignment: it was never set, it was erased, or its retention has passed."""

    code, http_status = "unknown_assignment", 404


class UnknownClass(WaijiaoError):
    """Raised when there is no such class: it was never made, or it was deleted."""

    code, http_status = "unknown_class", 404


class UnknownPupil(WaijiaoError):
    """Raised when a class has no pupil with this id, or not any more."""

    code, http_status = "unknown_pupil", 422


class ClassChanged(WaijiaoError):
    """Raised when others changed a class again and again while a change was made. Nothing was changed; try again."""

    code, http_status, retryable = "class_changed", 409, True


class UnknownLearner(WaijiaoError):
    """Raised when there is no such learner, or the key may not see what is known of them."""

    code, http_status = "unknown_learner", 404


class ClipNotKept(WaijiaoError):
    """Raised when the recording of a word is not kept, or not any more."""

    code, http_status = "clip_not_kept", 410


class UnknownLesson(WaijiaoError):
    """Raised when there is no such lesson: it was never uploaded, or its retention has passed."""

    code, http_status = "unknown_lesson", 404


class AssignmentExists(WaijiaoError):
    """Raised when another assignment has this id. Choose another id, or replace it with PUT."""

    code, http_status = "assignment_exists", 409


class NotHeld(WaijiaoError):
    """Raised when the answer does not wait for review: it is not ready yet, or it was released already."""

    code, http_status = "not_held", 409


class CannotRerun(WaijiaoError):
    """Raised when a job cannot be run again from that stage: the input of the stage never existed, or is deleted."""

    code, http_status = "cannot_rerun", 409


class NothingToPractise(WaijiaoError):
    """Raised when a job has no better sentence that could be said again, or none yet."""

    code, http_status = "nothing_to_practise", 409


class EnoughTries(WaijiaoError):
    """Raised when a better sentence was said again as often as it may be."""

    code, http_status = "enough_tries", 409


class Erased(WaijiaoError):
    """Raised when the job's data was erased on request. It cannot be brought back."""

    code, http_status = "erased", 410


class AnswerNotReady(WaijiaoError):
    """Raised when the answer's audio is requested before it is spoken. Try again after Retry-After seconds."""

    code, http_status, retryable = "answer_not_ready", 409, True


class NoAnswer(WaijiaoError):
    """Raised when the job ended without an answer, so there is no audio. The job's `error` says why."""

    code, http_status = "no_answer", 409


class NoCard(WaijiaoError):
    """Raised when an answer has no lesson card: none was asked for, or the job's `card` says why there is none."""

    code, http_status = "no_card", 409


class UnknownPart(WaijiaoError):
    """Raised when an answer has fewer sentences than the requested number."""

    code, http_status = "unknown_part", 404


class Unavailable(WaijiaoError):
    """Raised when the server cannot reach Redis or its disk. Nothing was accepted; retry after Retry-After seconds."""

    code, http_status, retryable, try_again = "unavailable", 503, True, True


class DiskFull(Unavailable):
    """Raised when the server's disk has too little space. Try again when there is space."""

    code, http_status = "disk_full", 507


class ServerFull(WaijiaoError):
    """Raised when the server already has as many unfinished jobs as allowed. Nothing was accepted; try again later."""

    code, http_status, retryable = "server_full", 503, True


class TooManyWaiting(WaijiaoError):
    """Raised when as many requests as allowed already wait for an answer. Nothing was accepted; try again later."""

    code, http_status, retryable = "too_many_waiting", 503, True


class QuotaFull(WaijiaoError):
    """Raised when a tenant or session has as many unfinished jobs as allowed. Nothing was accepted; try again later."""

    code, http_status, retryable = "quota_full", 429, True


class KeyReused(WaijiaoError):
    """Raised when an Idempotency-Key was used before with another request. Use a new key for each new request."""

    code, http_status = "idempotency_key_reused", 422


class NotDead(WaijiaoError):
    """Raised when a job is retried that did not fail because of a worker or a time limit. Submit a new job instead."""

    code, http_status = "not_dead", 409


# --- the caller ------------------------------------------------------------------------------------------------


class KeyMissing(WaijiaoError):
    """Raised when the request has no key. Send `Authorization: Bearer KEY`; `waijiao key create` makes one."""

    code, http_status = "key_missing", 401


class KeyUnknown(WaijiaoError):
    """Raised when the key does not exist or was revoked. `waijiao key create` makes one."""

    code, http_status = "key_unknown", 401


class RoleTooLow(WaijiaoError):
    """Raised when the role of the key does not allow this request. Use a key with a higher role."""

    code, http_status = "role_too_low", 403


class UnknownKeyId(WaijiaoError):
    """Raised when no key has this id. `waijiao key list` lists them."""

    code, http_status = "unknown_key_id", 404


class RateLimited(WaijiaoError):
    """Raised when a key has submitted as many jobs as it may in one minute. Nothing was accepted; try again later."""

    code, http_status, retryable = "rate_limited", 429, True


class MinutesUsed(WaijiaoError):
    """Raised when a key has used up its minutes of recordings for this day (UTC). Nothing was accepted."""

    code, http_status, retryable = "minutes_used", 429, True


class ForeignOrigin(WaijiaoError):
    """Raised when a page of another site sends a request without a key. To allow it, set WAIJIAO_CORS_ORIGINS."""

    code, http_status = "foreign_origin", 403


class ForeignHost(WaijiaoError):
    """Raised when no key is needed and a request names another host than this machine: a page may have forged it."""

    code, http_status = "foreign_host", 421


class HttpsNeeded(WaijiaoError):
    """Raised when another machine sends a request over http to a server that has https. Use https:// instead."""

    code, http_status = "https_needed", 403


# --- homework uploads ------------------------------------------------------------------------------------------


class BadRoster(WaijiaoError):
    """Raised when the roster of a class cannot be used; the message names the line and what is wrong with it."""

    code, http_status = "bad_roster", 422


class BadStudentIds(BadRoster):
    """Raised when a spreadsheet changed the ids of students, as to 1.20E+11. Enter them again, formatted as text."""

    code = "bad_student_ids"


class BadSheet(WaijiaoError):
    """Raised when a grading sheet cannot be filled in; the message says what it lacks. Download it again."""

    code, http_status = "bad_sheet", 422


class NotFromSchoolSystem(WaijiaoError):
    """Raised when no file was handed in under a name of the system that answers are fetched for. Fetch a folder."""

    code, http_status = "not_from_school_system", 409


class UnknownStudent(WaijiaoError):
    """Raised when a file's name does not name a student of the class. Put the student's name or number into it."""

    code, http_status = "unknown_student", 422


class AmbiguousStudent(WaijiaoError):
    """Raised when a file's name matches several students equally. Put the full name or number of one into it."""

    code, http_status = "ambiguous_student", 422


class DoubledStudent(WaijiaoError):
    """Raised when several files belong to one student, so that none of them is accepted. Send only one of them."""

    code, http_status = "doubled_student", 422


class BadArchive(WaijiaoError):
    """Raised when a ZIP, or a file in it, is truncated, damaged, or in an unsupported format. Pack it again."""

    code, http_status = "bad_archive", 422


class EmptyArchive(WaijiaoError):
    """Raised when a ZIP has no files. Put the recordings into it and pack it again."""

    code, http_status = "empty_archive", 422


class TooManyFiles(WaijiaoError):
    """Raised when a ZIP has more files than allowed; none was read. Split it into several ZIPs."""

    code, http_status = "too_many_files", 422


class NestedArchive(WaijiaoError):
    """Raised when a file in a ZIP is an archive itself, which is not opened. Pack only the recordings."""

    code, http_status = "nested_archive", 422


class Encrypted(WaijiaoError):
    """Raised when a file in a ZIP is encrypted. Pack it without a password."""

    code, http_status = "encrypted", 422


# --- the recording ---------------------------------------------------------------------------------------------


class BadAudio(WaijiaoError):
    """Raised when a recording cannot be decoded: truncated, empty, damaged, or without audio. Record it again."""

    code, http_status = "bad_audio", 422


class TooLong(WaijiaoError):
    """Raised when a recording is longer than the server accepts. Cut it, or send it with `waijiao lesson`."""

    code, http_status = "too_long", 422


class NoSpeech(WaijiaoError):
    """Raised when nobody speaks in the recording. Record again, closer to the microphone."""

    code, http_status, retryable = "no_speech", 422, True


# --- the work --------------------------------------------------------------------------------------------------


class EngineFailed(WaijiaoError):
    """Raised when a model failed on this job. The worker's log has the cause."""

    code, retryable, try_again = "engine_failed", True, True


class TooSlow(WaijiaoError):
    """Raised when a stage exceeded its time limit. Try a shorter recording, or a faster model."""

    code, http_status, retryable, try_again = "too_slow", 504, True, True


class OutOfMemory(WaijiaoError):
    """Raised when a model ran out of memory on this job. Try a shorter recording, or a smaller model."""

    code, retryable, try_again = "out_of_memory", True, True


class WorkerLost(WaijiaoError):
    """Raised when the worker died in each of the attempts that a job has."""

    code, retryable = "worker_lost", True


class AnswerRestarted(WaijiaoError):
    """Raised when a worker died after part of its answer was sent, and the new answer begins differently. Try again."""

    code, retryable = "begun_anew", True


class BrokenRecord(WaijiaoError):
    """Raised when a stored record cannot be read. The server's log names the field."""

    code = "broken_record"


class NewerRecord(BrokenRecord):
    """Raised when a newer version of the server has written a stored record, which this one must not change."""


class Expired(WaijiaoError):
    """Raised when a job was not answered before its deadline."""

    code, http_status, retryable = "expired", 504, True


class Canceled(WaijiaoError):
    """Raised when a job was canceled by its owner before it was answered."""

    code, http_status = "canceled", 409


class NothingToSay(WaijiaoError):
    """Raised when the answer has no text that this voice can speak, as in another script. Choose another voice."""

    code, http_status = "nothing_to_say", 422


# --- the installation ------------------------------------------------------------------------------------------


class ConfigurationError(WaijiaoError):
    """Raised at start-up when a setting has an invalid value; the message names the setting and what it may be."""

    code = "configuration"


class UnknownEngine(ConfigurationError):
    """Raised at start-up when a setting names an engine that does not exist."""


class ModelMissing(ConfigurationError):
    """Raised at start-up when a model's files are missing; the message names the command that fetches them."""


class ModelDamaged(ConfigurationError):
    """Raised when a model's file does not have the size or sha256 that the catalogue states."""


class SourcesExhausted(ConfigurationError):
    """Raised when a model could not be fetched from any of its sources; the message says what to do instead."""

"""What a view works with: the settings, the stores, and the caller of the request."""

from contextlib import AbstractContextManager
from dataclasses import dataclass
from threading import Event
from typing import cast

from flask import current_app, g, request

from api.long_poll import JobChanges
from pipeline.blob_store import FolderBlobs
from pipeline.jobs.eta import Estimator
from pipeline.jobs.job import Job
from pipeline.jobs.store import Jobs
from pipeline.settings import Settings

PAGE_LANGUAGES = {"en": "en", "zh": "zh-CN"}  # file in static/i18n, value of <html lang>
LANGUAGE_COOKIE = "language"  # written by static/i18n/index.js when the reader chooses a language


@dataclass(frozen=True)
class Caller:
    """Who makes the request: tenant and role of its key; an administrator where no key is needed."""

    tenant: str = "default"
    role: str = "admin"
    key: str = ""
    name: str = ""

    @property
    def owner(self) -> str:
        """The owner of the caller's sessions: a learner's key; "" for those that the tenant's teachers share."""
        return self.key if self.role == "learner" else ""

    def conversation(self, session: str, owner: str | None) -> str:
        """The session's name among all of the tenant. A caller who is not a learner may name its `owner`."""
        owner = self.owner or owner
        return f"{owner}/{session}" if owner else session

    def sees(self, job: Job) -> bool:
        return self.role != "learner" or job.request.owner == self.key


def caller() -> Caller:
    return cast(Caller, g.get("caller") or Caller())


def settings() -> Settings:
    return cast(Settings, current_app.extensions["settings"])


def jobs() -> Jobs:
    return cast(Jobs, current_app.extensions["jobs"])


def blobs() -> FolderBlobs:
    return cast(FolderBlobs, current_app.extensions["blobs"])


def estimator() -> Estimator:
    return cast(Estimator, current_app.extensions["estimator"])


def watch_job(job_id: str) -> AbstractContextManager[Event | None]:
    """An event that is set at every change of a job of the caller; None when too many requests wait already."""
    changes = cast(JobChanges, current_app.extensions["changes"])
    return changes.watch(f"{caller().tenant}/{job_id}", caller().key)


def job(job_id: str) -> Job:
    """The job, if the caller may see it; UnknownJob if there is none, Erased if it was erased."""
    return jobs().get(caller().tenant, job_id, caller().owner)


def address(path: str) -> str:
    """The path of one of our routes, as a client sees it: below the path that a proxy serves us at."""
    return f"{request.script_root}{path}"


def find_page_language() -> str:
    """The page language chosen in this browser, else the one that its Accept-Language header prefers, else ""."""
    cookie_language = request.cookies.get(LANGUAGE_COOKIE, "")
    return (
        cookie_language
        if cookie_language in PAGE_LANGUAGES
        else request.accept_languages.best_match(PAGE_LANGUAGES) or ""
    )

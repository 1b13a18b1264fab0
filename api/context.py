"""What a view works with: the settings, the stores, and the caller whose request it is."""

from dataclasses import dataclass
from typing import cast

from flask import current_app, g

from api.long_poll import Changes
from pipeline.blob_store import FolderBlobs
from pipeline.jobs.eta import Forecast
from pipeline.jobs.job import Job
from pipeline.jobs.store import Jobs
from pipeline.settings import Settings


@dataclass(frozen=True)
class Caller:
    """Whose request it is: the tenant and role of the key that was shown; where none is needed, one that may do all."""

    tenant: str = "default"
    role: str = "admin"
    key: str = ""
    name: str = ""

    @property
    def owner(self) -> str:
        """Whose sessions the caller speaks in: a learner's own, else those that all teachers of the tenant share."""
        return self.key if self.role == "learner" else ""

    def conversation(self, session: str, owner: str | None) -> str:
        """The session's name among all of the tenant; whoever is no learner may name the learner who owns it."""
        whose = self.owner or owner
        return f"{whose}/{session}" if whose else session

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


def forecast() -> Forecast:
    return cast(Forecast, current_app.extensions["forecast"])


def changes() -> Changes:
    return cast(Changes, current_app.extensions["changes"])


def job(job_id: str) -> Job:
    """The job, if the caller may see it; UnknownJob if there is none such, Erased if it was erased."""
    return jobs().get(caller().tenant, job_id, caller().owner)

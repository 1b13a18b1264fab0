"""What a view works with: the settings, the job records and the blob store of the running application."""

from typing import cast

from flask import current_app

from pipeline.blobs import FolderBlobs
from pipeline.jobs import Jobs
from pipeline.settings import Settings

TENANT = "default"  # whose request it is; one for all until keys tell them apart


def settings() -> Settings:
    return cast(Settings, current_app.extensions["settings"])


def jobs() -> Jobs:
    return cast(Jobs, current_app.extensions["jobs"])


def blobs() -> FolderBlobs:
    return cast(FolderBlobs, current_app.extensions["blobs"])

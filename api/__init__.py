"""The HTTP API: it takes a question, keeps its recording, rings the first worker, and shows how far the job got."""

from flask import Flask

from api import (
    access,
    archive,
    audio,
    capabilities,
    capacity,
    chat,
    docs,
    errors,
    events,
    headers,
    health,
    jobs,
    keys,
    login,
    metrics,
    model_list,
    page,
    sessions,
    speech,
    transcriptions,
    uploads,
    webhooks,
)
from api.homework import assignments, export, rerunning, reviewing, submissions
from api.lessons import lessons
from api.waiting import Changes
from pipeline.app import ring_in_a_hurry
from pipeline.blobs import FolderBlobs
from pipeline.forecast import Forecast
from pipeline.jobs import Jobs
from pipeline.settings import Settings, settings
from pipeline.store import HURRIED, connect


def create_app(with_settings: Settings | None = None) -> Flask:
    """The WSGI application. It speaks to Redis and to the blob folder only, and imports no model library."""
    chosen = with_settings or settings()
    ring_in_a_hurry()
    app = Flask(__name__)
    uploads.register(app, chosen)
    app.json.ensure_ascii = False  # type: ignore[attr-defined]
    app.json.sort_keys = False  # type: ignore[attr-defined]
    app.extensions["settings"] = chosen
    app.extensions["jobs"] = Jobs(connect(chosen, HURRIED), chosen)
    app.extensions["forecast"] = Forecast(app.extensions["jobs"])
    app.extensions["changes"] = Changes(chosen)
    app.extensions["blobs"] = FolderBlobs(chosen.blobs_folder)
    alone = (transcriptions, chat, speech, model_list)
    homework = (assignments, submissions, reviewing, rerunning, export, lessons, capacity)
    for_pages = (page, login, capabilities, archive, docs)
    for resource in (jobs, audio, events, sessions, keys, webhooks, health, metrics, *homework, *for_pages, *alone):
        app.register_blueprint(resource.routes)
    errors.register(app)
    access.register(app)
    headers.register(app, chosen)
    return app

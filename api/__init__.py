"""The HTTP API: it accepts requests, stores recordings, enqueues jobs, and shows how far they got."""

from flask import Flask

from api import auth, encryption, error_handlers, middleware, pages, sub_path
from api.admin import keys, login, status, webhooks
from api.classes import progress as class_progress
from api.classes import routes as classes
from api.homework import assignments, export, review, school, submissions
from api.jobs import events, practice, sessions, tries, zip_download
from api.jobs import routes as jobs
from api.json_text import JsonText
from api.learners import export as learner_export
from api.learners import routes as learners
from api.lessons import routes as lessons
from api.long_poll import JobChanges
from api.openai import audio, chat, models
from api.slow_clients import SlowClients
from pipeline.blob_store import FolderBlobs
from pipeline.celery_app import use_short_timeouts
from pipeline.jobs.eta import Estimator
from pipeline.jobs.store import Jobs
from pipeline.redis_connection import FAST, connect
from pipeline.settings import Settings, settings

RESOURCES = (
    *(jobs, tries, practice, events, sessions, zip_download),
    *(assignments, submissions, review, export, school),
    *(classes, class_progress),
    lessons,
    *(learners, learner_export),
    *(audio, chat, models),
    *(keys, login, status, webhooks),
    pages,
)


def create_app(with_settings: Settings | None = None) -> Flask:
    """The WSGI application. It speaks to Redis and to the blob folder only, and imports no model library."""
    server_settings = with_settings or settings()
    use_short_timeouts()
    app = Flask(__name__)
    middleware.register_uploads(app, server_settings)
    app.json = JsonText(app)
    app.extensions["settings"] = server_settings
    app.extensions["jobs"] = Jobs(connect(server_settings, FAST), server_settings)
    app.extensions["estimator"] = Estimator(app.extensions["jobs"])
    app.extensions["changes"] = JobChanges(server_settings)
    app.extensions["blobs"] = FolderBlobs(server_settings.blobs_folder)
    for resource in RESOURCES:
        app.register_blueprint(resource.routes)
    error_handlers.register(app)
    sub_path.register(app)
    encryption.register(app, server_settings)
    auth.register(app)
    middleware.register_headers(app, server_settings)
    app.wsgi_app = SlowClients(app.wsgi_app)  # type: ignore[method-assign]
    return app

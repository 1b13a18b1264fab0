"""The web pages: / to talk, /homework and /class for teachers, /house for who keeps it running.

They are plain files that speak through the public API only; what they may do there is judged there.
"""

from pathlib import Path

from flask import Blueprint, current_app, render_template, url_for
from werkzeug.wrappers import Response

from api.auth import OPEN, requires

PAGES = ("/", "/homework", "/class", "/house")

routes = Blueprint("page", __name__)


@routes.get("/")
@requires(OPEN)
def talk() -> str:
    return render_template("talk.html")


@routes.get("/homework")
@requires(OPEN)
def homework() -> str:
    return render_template("homework.html")


@routes.get("/class")
@requires(OPEN)
def class_() -> str:
    return render_template("class.html")


@routes.get("/house")
@requires(OPEN)
def house() -> str:
    return render_template("house.html")


@routes.get("/sw.js")
@requires(OPEN)
def service_worker() -> Response:
    """The service worker lies at the top: it may serve only what lies beside it or below."""
    static = sorted(path.name for path in Path(str(current_app.static_folder)).iterdir())
    files = [*PAGES, *(url_for("static", filename=name) for name in static)]
    return Response(render_template("sw.js", files=files), mimetype="text/javascript")

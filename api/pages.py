"""The web pages, and /docs: /, /ledger and /answer for learners, /homework, /classes and /batch for teachers, /status
and /keys for administrators.

A page is rendered in the reader's language and uses the public API only; what its reader may do is decided there.
"""

import json
from functools import cache
from importlib.metadata import distribution
from pathlib import Path

from flask import Blueprint, jsonify, make_response, redirect, render_template, request, send_file, url_for
from markupsafe import Markup
from werkzeug.exceptions import NotFound
from werkzeug.wrappers import Response

from api import context
from api.auth import OPEN, requires
from api.error_handlers import http_error
from api.openapi import document

PAGES = ("/", "/ledger", "/homework", "/classes", "/batch", "/status", "/keys")
ANSWER_PAGE = "/answer"  # which the table of homework opens
STATIC = Path(__file__).with_name("static")
SWAGGER_FILES = {"swagger_bundle.js": "text/javascript", "swagger_style.css": "text/css"}  # of the package offapi
SWAGGER_FOLDER = Path(str(distribution("offapi").locate_file("offapi")))  # read, never imported
DAY_S = 86_400

routes = Blueprint("pages", __name__)
openapi_document = cache(document)


@cache
def load_strings(language: str) -> dict[str, str]:
    """The texts of the pages by key."""
    texts = json.loads((STATIC / "i18n" / f"{language}.json").read_text(encoding="utf-8"))
    return dict(texts["strings"])


def render_page(name: str) -> Response:
    """Render templates/pages/NAME.html. The data-t attributes let the page change its language without a reload."""
    language = context.find_page_language() or "en"
    strings = load_strings(language)

    def attribute(attribute_name: str, marker: str, key: str) -> Markup:
        return Markup('{}="{}" {}="{}"').format(attribute_name, strings[key], marker, key)

    page = render_template(
        f"pages/{name}.html",
        lang=context.PAGE_LANGUAGES[language],
        t=strings.__getitem__,
        label=lambda key: attribute("aria-label", "data-t-label", key),
        placeholder=lambda key: attribute("placeholder", "data-t-placeholder", key),
    )
    response = make_response(page)
    response.vary.update(("Accept-Language", "Cookie"))
    return response


@routes.app_errorhandler(NotFound)
def not_found(error: NotFound) -> Response:
    """A page for whoever opens an unknown address in a browser. For everything else, and below /v1/, JSON."""
    if request.path.startswith(("/v1/", "/static/")):
        return http_error(error)
    html_preferred = request.accept_mimetypes.best_match(["application/json", "text/html"]) == "text/html"
    answer = render_page("not_found") if html_preferred else http_error(error)
    answer.status_code = 404
    answer.vary.add("Accept")
    return answer


@routes.get("/")
@requires(OPEN)
def talk() -> Response:
    return render_page("talk")


@routes.get(ANSWER_PAGE)
@requires(OPEN)
def answer() -> Response:
    return render_page("answer")


@routes.get("/ledger")
@requires(OPEN)
def ledger() -> Response:
    return render_page("ledger")


@routes.get("/homework")
@requires(OPEN)
def homework() -> Response:
    return render_page("homework")


@routes.get("/classes")
@requires(OPEN)
def classes() -> Response:
    return render_page("classes")


@routes.get("/batch")
@requires(OPEN)
def batch() -> Response:
    return render_page("batch")


@routes.get("/status")
@requires(OPEN)
def status() -> Response:
    return render_page("status")


@routes.get("/keys")
@requires(OPEN)
def keys() -> Response:
    return render_page("keys")


@routes.get("/class", defaults={"page": "batch"}, strict_slashes=False)
@routes.get("/house", defaults={"page": "status"}, strict_slashes=False)
@requires(OPEN)
def redirect_old_address(page: str) -> Response:
    """The addresses that pages had before; links and bookmarks still work."""
    return redirect_to(page)


@routes.get("/answer/", defaults={"page": "answer"})
@routes.get("/ledger/", defaults={"page": "ledger"})
@routes.get("/homework/", defaults={"page": "homework"})
@routes.get("/classes/", defaults={"page": "classes"})
@routes.get("/batch/", defaults={"page": "batch"})
@routes.get("/status/", defaults={"page": "status"})
@routes.get("/keys/", defaults={"page": "keys"})
@routes.get("/docs/", defaults={"page": "docs"})
@requires(OPEN)
def remove_slash(page: str) -> Response:
    """The address of a page with a slash at the end."""
    return redirect_to(page)


def redirect_to(page: str) -> Response:
    """A redirect to a page, with the query of the request."""
    query = request.query_string.decode("latin-1")
    return redirect(url_for(f"pages.{page}") + (f"?{query}" if query else ""), code=301)


@routes.get("/sw.js")
@requires(OPEN)
def service_worker() -> Response:
    """The service worker, at the top: it may serve only what lies in its own folder or below."""
    paths = sorted(path.relative_to(STATIC).as_posix() for path in STATIC.rglob("*") if path.is_file())
    files = [
        *(context.address(page) for page in (*PAGES, ANSWER_PAGE)),
        *(url_for("static", filename=path) for path in paths),
    ]
    return Response(render_template("pages/sw.js", files=files), mimetype="text/javascript")


@routes.get("/openapi.json")
@requires(OPEN)
def openapi() -> Response:
    here = {"servers": [{"url": request.script_root}]} if request.script_root else {}
    return jsonify({**openapi_document(), **here})


@routes.get("/docs")
@requires(OPEN)
def docs() -> Response:
    """Swagger UI, from our own disk: it shows openapi.json and lets the reader try it."""
    return render_page("docs")


@routes.get("/docs/<name>")
@requires(OPEN)
def docs_file(name: str) -> Response:
    if name not in SWAGGER_FILES:
        raise NotFound
    return send_file(SWAGGER_FOLDER / name, mimetype=SWAGGER_FILES[name], max_age=DAY_S)

"""/openapi.json, and /docs, which shows it and lets one try it: with Swagger UI from our own disk."""

from functools import cache
from importlib.metadata import distribution
from pathlib import Path
from typing import Any

from flask import Blueprint, jsonify, render_template, send_file
from werkzeug.exceptions import NotFound
from werkzeug.wrappers import Response

from api.auth import OPEN, requires
from api.openapi import document

FILES = {"swagger_bundle.js": "text/javascript", "swagger_style.css": "text/css"}  # offapi's
FOLDER = Path(str(distribution("offapi").locate_file("offapi")))  # read, never imported
DAY_S = 86_400  # seconds

routes = Blueprint("docs", __name__)


@cache
def written() -> dict[str, Any]:
    return document()


@routes.get("/openapi.json")
@requires(OPEN)
def openapi() -> Response:
    return jsonify(written())


@routes.get("/docs")
@requires(OPEN)
def page() -> str:
    return render_template("docs.html")


@routes.get("/docs/<name>")
@requires(OPEN)
def file(name: str) -> Response:
    if name not in FILES:
        raise NotFound
    return send_file(FOLDER / name, mimetype=FILES[name], max_age=DAY_S)

"""Told by webhook of answers, saves them.  Run with: python examples/webhook_receiver.py FOLDER PORT"""

import os
import sqlite3
import sys
import threading
from contextlib import closing
from pathlib import Path

from flask import Flask, Response, request
from standardwebhooks import Webhook, WebhookVerificationError
from werkzeug.serving import make_server

from waijiao import Client
from waijiao.errors import Erased, NoAnswer, UnknownJob, WaijiaoError

AGAIN_S = 30  # seconds until an answer is asked for again that could not be fetched
GONE = (Erased, NoAnswer, UnknownJob)
LARGEST = 65_536  # bytes of a request: an event has less than one thousand


class Book:
    """What was told and is still to be done, in a file: whoever got 204 does not tell it again after a crash."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.run("CREATE TABLE IF NOT EXISTS told (webhook_id TEXT PRIMARY KEY, job_id TEXT, done INTEGER DEFAULT 0)")

    def run(self, sql: str, *values: str) -> list[tuple[str]]:
        with closing(sqlite3.connect(self.path)) as book, book:
            return book.execute(sql, values).fetchall()

    def note(self, webhook_id: str, job_id: str) -> None:
        self.run("INSERT OR IGNORE INTO told (webhook_id, job_id) VALUES (?, ?)", webhook_id, job_id)

    def undone(self) -> list[str]:
        return [job_id for (job_id,) in self.run("SELECT job_id FROM told WHERE NOT done")]

    def done(self, job_id: str) -> None:
        self.run("UPDATE told SET done = 1 WHERE job_id = ?", job_id)


def create_app(secret: str, book: Book, more: threading.Event) -> Flask:
    app = Flask(__name__)
    app.config["MAX_CONTENT_LENGTH"] = LARGEST
    webhook = Webhook(secret)

    @app.post("/hooks/waijiao")
    def told() -> Response:
        try:
            event = webhook.verify(request.get_data(), dict(request.headers))
        except WebhookVerificationError:
            return Response(status=401)
        print(event["type"], event["data"]["id"], flush=True)
        if event["type"] == "job.succeeded":
            book.note(request.headers["webhook-id"], event["data"]["id"])
            more.set()
        return Response(status=204)

    return app


def fetch_answers(client: Client, book: Book, folder: Path) -> None:
    """Save what the book names; what cannot be fetched now, with this key, from this server, stays in the book."""
    for job_id in book.undone():
        try:
            save(client, job_id, folder)
        except WaijiaoError as error:
            print(f"{job_id}: {error.detail}", file=sys.stderr, flush=True)
            if not isinstance(error, GONE):
                continue
        book.done(job_id)


def save(client: Client, job_id: str, folder: Path) -> None:
    """A file is there when it is whole."""
    answer = client.answer(client.job(job_id))
    half = folder / f".{job_id}"
    answer.save(half)
    half.rename(folder / f"{job_id}.{answer.job.answer.format}")


def main(folder: Path, port: int) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    book, more = Book(folder / "told.sqlite3"), threading.Event()
    server = make_server("127.0.0.1", port, create_app(os.environ["WEBHOOK_SECRET"], book, more), threaded=True)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    client = Client()
    while True:  # in the main thread: when it fails, nobody says 204 any more
        more.clear()
        fetch_answers(client, book, folder)
        more.wait(AGAIN_S)


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]))

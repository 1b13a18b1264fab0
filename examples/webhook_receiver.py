"""Saves each answer that a webhook announces.  Run with: python examples/webhook_receiver.py FOLDER PORT"""

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

RETRY_S = 30  # seconds until an answer that could not be fetched is fetched again
NO_ANSWER_ERRORS = (Erased, NoAnswer, UnknownJob)
MAX_REQUEST_BYTES = 65_536  # an event has less than one thousand


class Inbox:
    """The jobs whose answers are to be fetched, in a file: a server that got 204 does not repeat it after a crash."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.run(
            "CREATE TABLE IF NOT EXISTS deliveries (webhook_id TEXT PRIMARY KEY, job_id TEXT, done INTEGER DEFAULT 0)"
        )

    def run(self, sql: str, *values: str) -> list[tuple[str]]:
        with closing(sqlite3.connect(self.path)) as database, database:
            return database.execute(sql, values).fetchall()

    def add(self, webhook_id: str, job_id: str) -> None:
        self.run("INSERT OR IGNORE INTO deliveries (webhook_id, job_id) VALUES (?, ?)", webhook_id, job_id)

    def pending(self) -> list[str]:
        return [job_id for (job_id,) in self.run("SELECT job_id FROM deliveries WHERE NOT done")]

    def mark_done(self, job_id: str) -> None:
        self.run("UPDATE deliveries SET done = 1 WHERE job_id = ?", job_id)


def create_app(secret: str, inbox: Inbox, wake_up: threading.Event) -> Flask:
    app = Flask(__name__)
    app.config["MAX_CONTENT_LENGTH"] = MAX_REQUEST_BYTES
    webhook = Webhook(secret)

    @app.post("/hooks/waijiao")
    def receive() -> Response:
        try:
            event = webhook.verify(request.get_data(), dict(request.headers))
        except WebhookVerificationError:
            return Response(status=401)
        print(event["type"], event["data"]["id"], flush=True)
        if event["type"] == "job.succeeded":
            inbox.add(request.headers["webhook-id"], event["data"]["id"])
            wake_up.set()
        return Response(status=204)

    return app


def fetch_answers(client: Client, inbox: Inbox, folder: Path) -> None:
    """Save the pending answers; what cannot be fetched now, with this key, from this server, stays in the inbox."""
    for job_id in inbox.pending():
        try:
            save(client, job_id, folder)
        except WaijiaoError as error:
            print(f"{job_id}: {error.detail}", file=sys.stderr, flush=True)
            if not isinstance(error, NO_ANSWER_ERRORS):
                continue
        inbox.mark_done(job_id)


def save(client: Client, job_id: str, folder: Path) -> None:
    """Save an answer under a temporary name first, so that the file appears when it is complete."""
    answer = client.answer(client.job(job_id))
    temporary = folder / f".{job_id}"
    answer.save(temporary)
    temporary.rename(folder / f"{job_id}.{answer.job.answer.format}")


def main(folder: Path, port: int) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    inbox, wake_up = Inbox(folder / "webhooks.sqlite3"), threading.Event()
    server = make_server("127.0.0.1", port, create_app(os.environ["WEBHOOK_SECRET"], inbox, wake_up), threaded=True)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    client = Client()
    while True:  # in the main thread: when it fails, no request is answered with 204 any more
        wake_up.clear()
        fetch_answers(client, inbox, folder)
        wake_up.wait(RETRY_S)


if __name__ == "__main__":
    if len(sys.argv) != 3 or not sys.argv[2].isdecimal() or "WEBHOOK_SECRET" not in os.environ:
        sys.exit("usage: WEBHOOK_SECRET=whsec_… python examples/webhook_receiver.py FOLDER PORT")
    main(Path(sys.argv[1]), int(sys.argv[2]))

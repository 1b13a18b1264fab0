"""A job's deliveries and the signing secret over the API."""

import pytest

from api import create_app
from pipeline.webhooks import outbox
from tests.integration.worker.test_webhook_delivery import make_request_with_webhook, submit_and_cancel, webhook_sender
from tests.support.webhook_receiver import run_receiver

SECRET = "/v1/webhooks/secret"


@pytest.fixture
def client(redis, settings):
    return create_app(settings).test_client()


def test_the_delivery_log_shows_attempts_and_only_the_host_of_the_url(client, jobs):
    with run_receiver() as receiver:
        receiver.answers = [(500, {})]
        submit_and_cancel(jobs, make_request_with_webhook(receiver))
        webhook_sender(jobs).run_round()
    answer = client.get("/v1/jobs/a/deliveries")
    (delivery,) = answer.json["deliveries"]
    (attempt,) = delivery["attempts"]
    assert delivery["id"] == receiver.requests[0].id
    assert (delivery["event"], delivery["host"], delivery["state"]) == ("job.canceled", "127.0.0.1", "waiting")
    assert (attempt["status"], attempt["error"]) == (500, None)
    assert delivery["next_at"] > attempt["at"] >= delivery["at"]
    assert "secret" not in answer.text


def test_a_job_without_a_webhook_has_no_deliveries_and_an_unknown_job_is_404(client):
    job = client.post("/v1/jobs", json={"text": "hi"}).json
    assert client.get(f"/v1/jobs/{job['id']}/deliveries").json == {"deliveries": []}
    assert client.get("/v1/jobs/nobody/deliveries").status_code == 404


def test_a_webhook_with_a_forbidden_address_is_refused_and_a_public_one_accepted(client):
    refused = client.post("/v1/jobs", json={"text": "hi", "webhook": "http://127.0.0.1/"})
    assert (refused.status_code, refused.json["code"]) == (422, "bad_request")
    given = {"webhook": "https://school.example/hook", "webhook_events": ["job.transcribed", "job.failed"]}
    assert client.post("/v1/jobs", json={"text": "hi", **given}).status_code == 202


def test_the_secret_stays_the_same_until_it_is_rotated(client, redis):
    first = client.get(SECRET)
    assert first.headers["Cache-Control"] == "no-store"
    assert first.json["secret"].startswith("whsec_")
    assert client.get(SECRET).json == first.json
    second = client.post(f"{SECRET}/rotate")
    assert client.get(SECRET).json == second.json != first.json
    assert outbox.load_secrets(redis, "default") == [second.json["secret"], first.json["secret"]]

"""A server that asks for keys: the first key, the command that shows it, and logs without secrets."""

import json
import os
import subprocess
import sys
from pathlib import Path

import httpx

LEARNER = Path(__file__).parents[2] / "examples" / "recordings" / "ruoxi-wu.wav"
CANARY = "Quetzalcoatl"


def waijiao(app, *words: str, **environment: str) -> "subprocess.CompletedProcess[str]":
    inherited = {**os.environ, "WAIJIAO_HOME": str(app.home), "WAIJIAO_URL": app.url, **environment}
    command = [sys.executable, "-m", "waijiao", *words]
    return subprocess.run(command, env=inherited, capture_output=True, text=True, timeout=120, check=False)


def new_key(app, role: str) -> str:
    return waijiao(app, "key", "create", "--role", role, "--name", CANARY).stdout.split()[0]


def test_the_server_says_whether_it_asks_for_keys(server_with_keys, app):
    assert "waijiao key create" in (server_with_keys.home / "up.log").read_text()
    assert "this machine only" in (app.home / "up.log").read_text()


def test_the_command_shows_its_key_and_says_where_to_get_one(server_with_keys, tmp_path):
    out = str(tmp_path / "answer.wav")
    refused = waijiao(server_with_keys, "ask", "--text", "hi", "--out", out)
    assert refused.returncode == 1
    assert "WAIJIAO_KEY" in refused.stdout
    assert "waijiao key create" in refused.stdout
    key = new_key(server_with_keys, "teacher")
    asked = waijiao(server_with_keys, "ask", str(LEARNER), "--out", out, "--json", WAIJIAO_KEY=key)
    assert asked.returncode == 0, asked.stderr
    assert json.loads(asked.stdout)["state"] == "succeeded"
    assert Path(out).read_bytes().startswith(b"RIFF")
    assert waijiao(server_with_keys, "status", "--dead", WAIJIAO_KEY=key).returncode == 0
    assert waijiao(server_with_keys, "status").returncode == 0  # readiness needs no key


def test_the_status_says_that_a_key_is_wrong(server_with_keys, app):
    status = waijiao(server_with_keys, "status", WAIJIAO_KEY="wj_wrong_key")
    assert status.returncode == 1
    assert "speech to text" in status.stdout
    assert "The key does not exist or was revoked." in status.stderr
    assert waijiao(app, "status", WAIJIAO_KEY="wj_wrong_key").returncode == 0  # which needs no key


def test_no_log_has_a_key_a_name_or_what_was_said(server_with_keys):
    key = new_key(server_with_keys, "learner")
    with httpx.Client(base_url=server_with_keys.url, trust_env=False, timeout=60) as client:
        client.headers["Authorization"] = f"Bearer {key}"
        files = {"audio": (f"{CANARY}.wav", LEARNER.read_bytes())}
        fields = {"session": CANARY, "text": f"My name is {CANARY}.", "metadata": json.dumps({"a": CANARY})}
        accepted = client.post("/v1/jobs", data=fields, files=files)
        assert accepted.status_code == 202, accepted.text
        job = accepted.json()
        while job["state"] not in {"succeeded", "failed"}:
            job = client.get(f"/v1/jobs/{job['id']}", params={"wait": 20}).json()
        assert job["state"] == "succeeded"
        client.post("/v1/jobs", files={"audio": (f"{CANARY}.wav", os.urandom(1000))}, data={"session": CANARY})
        client.post("/v1/jobs", content=CANARY, headers={"Content-Type": "application/json"})
        client.post("/v1/jobs", json={CANARY: 1}, headers={"Authorization": f"Bearer {key}x"})
        client.get(f"/v1/sessions/{CANARY}")
    told = {key, key.split("_", 2)[2], CANARY, job["transcript"]["text"], job["answer"]["text"]}
    for log in (server_with_keys.home / "logs").iterdir():
        said = log.read_text(errors="replace")
        assert not [secret for secret in told if secret and secret in said], log.name

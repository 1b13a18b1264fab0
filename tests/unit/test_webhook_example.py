"""The receiver that docs/webhooks.md shows does what the page says."""

import re
import time
from importlib import import_module
from pathlib import Path

from pipeline import signing

PAGE = (Path(__file__).parents[2] / "docs" / "webhooks.md").read_text()
BODY = b'{"type": "job.succeeded", "data": {"links": {"self": "/v1/jobs/a"}}}'


def test_the_receiver_of_the_page_takes_what_is_signed_once_and_nothing_else(monkeypatch, capsys, tmp_path):
    secret = signing.fresh()
    monkeypatch.setenv("WEBHOOK_SECRET", secret)
    (example,) = re.findall(r"^```python\n(.*?)^```$", PAGE, re.DOTALL | re.MULTILINE)
    (tmp_path / "page_receiver.py").write_text(example)
    monkeypatch.syspath_prepend(tmp_path)
    client = import_module("page_receiver").app.test_client()
    signed = signing.headers([signing.fresh(), secret], "msg_a_succeeded", int(time.time()), BODY)
    for _ in range(2):
        assert client.post("/hooks/waijiao", data=BODY, headers=signed).status_code == 204
    assert client.post("/hooks/waijiao", data=BODY + b" ", headers=signed).status_code == 401
    assert capsys.readouterr().out == "job.succeeded /v1/jobs/a\n"

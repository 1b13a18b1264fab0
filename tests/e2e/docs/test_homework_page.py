"""docs/homework.md is true: every example on it is run as it stands, in its order, against the default models."""

import os
import subprocess
import sys
from pathlib import Path

import httpx

from tests.support.doc_examples import matches, read_examples

ROOT = Path(__file__).parents[3]
EXAMPLES = read_examples(ROOT / "docs" / "homework.md")
COMMANDS = {"python": [sys.executable, "-W", "error", "-c"], "sh": ["bash", "-e", "-o", "pipefail", "-c"]}


def test_the_examples_print_the_output_on_the_page(app, tmp_path):
    assert len(EXAMPLES) >= 11
    httpx.delete(f"{app.url}/v1/assignments/hw1")  # which another test may have set
    tmp_path.joinpath("examples").symlink_to(ROOT / "examples")
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    environment = {**os.environ, "WAIJIAO_URL": app.url, "LC_ALL": "C.UTF-8", "COLUMNS": "120", "PATH": path}
    for example in EXAMPLES:
        command = [*COMMANDS[example.language], example.code]
        completed = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=200, env=environment)
        assert completed.returncode == 0, example.code + completed.stdout + completed.stderr
        if example.expected_output is not None:
            assert matches(example.expected_output, completed.stdout), f"{example.code}\nprinted:\n{completed.stdout}"

"""docs/client.md is true: every example on it is run as it stands, against the default models."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.doc_examples import matches, read_examples

ROOT = Path(__file__).parents[3]
EXAMPLES = read_examples(ROOT / "docs" / "client.md")
COMMANDS = {"python": [sys.executable, "-W", "error", "-c"], "sh": ["bash", "-e", "-o", "pipefail", "-c"]}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    place = tmp_path_factory.mktemp("reader")
    place.joinpath("examples").symlink_to(ROOT / "examples")
    return place


def test_the_examples_print_the_output_on_the_page(app, folder):
    """In their order, since some use the results of earlier ones."""
    assert len(EXAMPLES) >= 9
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    environment = {**os.environ, "WAIJIAO_URL": app.url, "LC_ALL": "C.UTF-8", "PATH": path}
    for example in EXAMPLES:
        command = [*COMMANDS[example.language], example.code]
        completed = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=200, env=environment)
        assert completed.returncode == 0, example.code + completed.stdout + completed.stderr
        if example.expected_output is not None:
            assert matches(example.expected_output, completed.stdout), f"{example.code}\nprinted:\n{completed.stdout}"

"""docs/api.md is true: every example on it is run as it stands, against the default models."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from pipeline import errors
from tests.support.doc_examples import matches, read_examples

ROOT = Path(__file__).parents[3]
PAGE = (ROOT / "docs" / "api.md").read_text(encoding="utf-8")
MARK = "--- the next example ---"
EXAMPLES = read_examples(ROOT / "docs" / "api.md")


@pytest.fixture(scope="module")
def run(app, tmp_path_factory):
    """Runs code in the project's folder, in a copy of what the examples need."""
    place = tmp_path_factory.mktemp("reader")
    place.joinpath("examples").symlink_to(ROOT / "examples")

    def run(command: list[str], code: str) -> str:
        settings = code.replace("http://127.0.0.1:8000", app.url)
        completed = subprocess.run(
            [*command, settings],
            cwd=place,
            capture_output=True,
            text=True,
            timeout=200,
            env={**os.environ, "LC_ALL": "C.UTF-8"},
        )
        assert completed.returncode == 0, completed.stdout + completed.stderr
        return completed.stdout

    return run


def test_the_shell_examples_print_the_output_on_the_page(run):
    examples = [each for each in EXAMPLES if each.language == "sh"]
    assert len(examples) > 10
    whole = f"echo; echo '{MARK}'\n".join(example.code for example in examples)
    printed = run(["bash", "-e", "-o", "pipefail", "-c"], whole).replace("\r", "").split(f"\n{MARK}\n")
    for example, said in zip(examples, printed, strict=True):
        if example.expected_output is not None:
            assert matches(example.expected_output, said), (
                f"{example.code}\nprinted:\n{said}\nthe page shows:\n{example.expected_output}"
            )


def test_the_python_example_prints_the_output_on_the_page(run):
    (example,) = [each for each in EXAMPLES if each.language == "python"]
    assert matches(example.expected_output or "", run([sys.executable, "-c"], example.code))


def test_every_error_code_of_the_api_is_on_the_page():
    classes = [each for each in vars(errors).values() if isinstance(each, type)]
    codes = {each.code for each in classes if issubclass(each, errors.WaijiaoError)}
    assert {code for code in codes if f"`{code}`" not in PAGE} == set()

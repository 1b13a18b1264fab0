"""docs/settings.md and docs/settings.zh-CN.md are what `make docs` writes, with a row for every setting."""

import importlib.util
import re
from pathlib import Path

import pytest

from pipeline.settings import Settings

DOCS = Path(__file__).resolve().parents[3] / "docs"
ROW = re.compile(r"^\| `WAIJIAO_(\w+)` \|([^|]*)\|([^|]*)\|$", re.MULTILINE)
PAGES = ["settings.md", "settings.zh-CN.md"]

each_page = pytest.mark.parametrize("page", PAGES)


@pytest.fixture(scope="module")
def generator():
    spec = importlib.util.spec_from_file_location("generate_settings", DOCS / "generate_settings.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def read_page(page: str) -> str:
    return (DOCS / page).read_text(encoding="utf-8")


@each_page
def test_the_page_is_up_to_date(generator, page):
    assert read_page(page) == generator.build_pages()[DOCS / page], "run `make docs`"


@each_page
def test_every_setting_has_one_row_with_its_default_and_an_explanation(generator, page):
    rows = ROW.findall(read_page(page))
    defaults = {
        name.upper(): generator.format_default(name, field.default) for name, field in Settings.model_fields.items()
    }
    assert len(rows) == len(defaults)
    assert {name: default.strip() for name, default, _ in rows} == defaults
    assert not [name for name, _, explanation in rows if not explanation.strip()]


def test_the_explanation_is_the_comment_on_the_setting_s_line(generator):
    source = (
        "class Settings(Base):\n    # where it is\n    port: int = 8000  # TCP port\n    def f():\n        pass  # no\n"
    )
    (group,) = generator.read_groups(source)
    assert group == generator.Group("Where it is", {"port": "TCP port"})

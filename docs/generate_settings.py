"""Writes docs/settings.md and docs/settings.zh-CN.md from pipeline/settings.py. Run it with `make docs`.

The English explanation of a setting is the comment on its line, the heading of a group is the comment above it. Chinese
explanations are in docs/settings_zh.toml. A unit test fails while the written pages differ from what this prints.
"""

import io
import re
import sys
import tokenize
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

DOCS = Path(__file__).resolve().parent
ROOT = DOCS.parent
SOURCE = ROOT / "pipeline" / "settings.py"
TRANSLATIONS = DOCS / "settings_zh.toml"
ENGLISH_INTRODUCTION = """\
# Settings

[中文](settings.zh-CN.md)

Each setting is an environment variable. `waijiao up` and every worker read the same ones, once, when they start. A
setting that no variable gives can be a file of its name in lower case, such as `waijiao_redis_url`, in the folder that
`WAIJIAO_SECRETS` names. This page is written by `make docs` from `pipeline/settings.py`; do not edit it.
"""
CHINESE_INTRODUCTION = """\
# 设置

[English](settings.md)

每项设置都是一个环境变量。`waijiao up` 和每个 worker 读取同一组变量，只在启动时读取一次。
没有用环境变量给出的设置，可以放在 `WAIJIAO_SECRETS` 所指目录里的同名小写文件中，例如 `waijiao_redis_url`。
本页由 `make docs` 根据 `pipeline/settings.py` 和 `docs/settings_zh.toml` 生成，请勿直接修改。
"""
FIELD = re.compile(r"(\w+): ")
INDENT = 4  # columns before a field of the class


@dataclass(frozen=True)
class Group:
    """A heading and the explanation of each setting below it, by the setting's name."""

    heading: str
    settings: dict[str, str]


def read_groups(source: str) -> list[Group]:
    """The groups of the class `Settings`, in the order of the source. ValueError when a setting has no explanation."""
    groups: list[Group] = []
    for comment, line in settings_comments(source):
        field = FIELD.match(line)
        if not field:
            groups.append(Group(comment[:1].upper() + comment[1:], {}))
        else:
            groups[-1].settings[field[1]] = comment
    return groups


def settings_comments(source: str) -> Iterator[tuple[str, str]]:
    """Each comment of the class body, and the line that it stands on without its indent."""
    inside = False
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type == tokenize.NAME and token.start[1] == 0:
            inside = token.line.startswith("class Settings(")
        if inside and token.type == tokenize.COMMENT and token.line[:INDENT].isspace() and token.line[INDENT] != " ":
            yield token.string.lstrip("# "), token.line.strip()


def format_default(name: str, default: object) -> str:
    """A default as the tables show it: nothing for a derived or empty one, else in code."""
    if default in (None, ""):
        return ""
    if name == "home":
        return "`~/.local/share/waijiao`"
    if isinstance(default, Path) and default.is_relative_to(ROOT):
        return f"`{default.relative_to(ROOT)}/`"
    return f"`{str(default).lower() if isinstance(default, bool) else default}`"


def format_page(introduction: str, columns: tuple[str, str, str], groups: list[Group], defaults: dict[str, str]) -> str:
    lines = [introduction]
    for group in groups:
        lines += [f"## {group.heading}", "", f"| {' | '.join(columns)} |", "|---|---|---|"]
        lines += [f"| `WAIJIAO_{name.upper()}` | {defaults[name]} | {text} |" for name, text in group.settings.items()]
        lines.append("")
    return "\n".join(lines)


def build_pages() -> dict[Path, str]:
    """The text of each page. ValueError when a setting, a group or a translation is missing."""
    sys.path.insert(0, str(ROOT))
    from pipeline.settings import Settings

    groups = read_groups(SOURCE.read_text(encoding="utf-8"))
    defaults = {name: format_default(name, field.default) for name, field in Settings.model_fields.items()}
    translations = tomllib.loads(TRANSLATIONS.read_text(encoding="utf-8"))
    explained = {name for group in groups for name in group.settings}
    if explained != set(defaults):
        raise ValueError(f"settings without a comment on their line: {sorted(set(defaults) - explained)}")
    if translations["settings"].keys() != explained or translations["groups"].keys() != {g.heading for g in groups}:
        missing = sorted(explained ^ translations["settings"].keys())
        raise ValueError(f"{TRANSLATIONS.name} does not have the same settings and groups; see {missing}")
    chinese = [
        Group(translations["groups"][group.heading], {name: translations["settings"][name] for name in group.settings})
        for group in groups
    ]
    return {
        DOCS / "settings.md": format_page(
            ENGLISH_INTRODUCTION, ("setting", "default", "what it is, and its unit"), groups, defaults
        ),
        DOCS / "settings.zh-CN.md": format_page(
            CHINESE_INTRODUCTION, ("设置", "默认值", "含义及单位"), chinese, defaults
        ),
    }


if __name__ == "__main__":
    for path, text in build_pages().items():
        path.write_text(text, encoding="utf-8")
        print(f"wrote {path.relative_to(ROOT)}")

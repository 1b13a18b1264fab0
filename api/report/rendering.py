"""Pages that open anywhere: rendered with nothing but what is in them, everybody's words made harmless."""

from functools import lru_cache
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from api.file_names import JOINERS, hidden
from api.report.times import clock
from api.report.wording import WORDS


@lru_cache
def environment() -> Environment:
    pages = Environment(
        loader=PackageLoader("api"),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=StrictUndefined,
        finalize=_visible,
    )
    pages.filters |= {"clock": clock, "say": say, "percent": percent}
    return pages


def render(template: str, **facts: Any) -> bytes:
    return environment().get_template(template).render(facts).encode()


def visible(text: str) -> str:
    """Without what is not seen, such as marks that turn the direction of what follows; lines stay lines."""
    return "".join(each for each in text if each in JOINERS or each == "\n" or not hidden(each))


def say(key: str) -> Markup:
    """A label in both languages."""
    english, chinese = WORDS[key]
    return Markup('{}<span class="dot"> · </span><span lang="zh">{}</span>').format(english, chinese)


def percent(share: float) -> str:
    return f"{100 * share:.0f} %"


def _visible(value: Any) -> Any:
    """Whatever a template shows passes here; Markup is the templates' own, and what was escaped on its way into it."""
    return visible(value) if isinstance(value, str) and not isinstance(value, Markup) else value

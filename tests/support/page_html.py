"""Parses an HTML page without a browser."""

from html.parser import HTMLParser

VOID = {"meta", "link", "br", "img", "input", "hr", "source"}
ASIDE = {"zh", "dot", "visually-hidden"}  # the Chinese half of a label; what only a screen reader says


class Page(HTMLParser):
    """`tags`: each element's name and attributes; `texts`: each text, and names and classes of the elements around it.

    `tables`: their rows of cells. `figures`: the text of each `dd`, by its `dt`. Labels are the English ones.
    """

    def __init__(self, html: bytes) -> None:
        super().__init__()
        self.open: list[tuple[str, set[str]]] = []
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.texts: list[tuple[str, set[str]]] = []
        self.tables: list[list[list[str]]] = []
        self.pairs: list[list[str]] = []
        self.feed(html.decode())
        self.close()
        assert not self.open, "an element was not closed"

    @property
    def figures(self) -> dict[str, str]:
        return {label.strip(): value.strip() for label, value in self.pairs}

    def handle_starttag(self, tag, attrs):
        facts = dict(attrs)
        self.tags.append((tag, facts))
        if tag not in VOID:
            self.open.append((tag, {tag, facts.get("lang") or "", *(facts.get("class") or "").split()}))
        if tag == "table":
            self.tables.append([])
        elif tag == "tr":
            self.tables[-1].append([])
        elif tag in ("td", "th"):
            self.tables[-1][-1].append("")
        elif tag == "dt":
            self.pairs.append(["", ""])

    def handle_startendtag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag):
        opened, _ = self.open.pop()
        assert opened == tag, f"</{tag}> ends <{opened}>"

    def handle_data(self, data):
        around = set().union(*(names for _, names in self.open))
        self.texts.append((data, around))
        if ASIDE & around:
            return
        if {"td", "th"} & around:
            self.tables[-1][-1][-1] += data
        if {"dt", "dd"} & around:
            self.pairs[-1]["dd" in around] += data

    def find_texts(self, *names: str) -> list[str]:
        """Each text within elements of all these names or classes, without those for screen readers only."""
        return [text for text, around in self.texts if {*names} <= around and "visually-hidden" not in around]

    def links(self) -> list[str]:
        """All addresses that the page refers to."""
        return [facts[name] or "" for _, facts in self.tags for name in ("href", "src") if name in facts]

"""The edits between a sentence and its correction, each with its kind and why."""

from collections.abc import Callable, Sequence

from pipeline.jobs.results import Edit
from pipeline.text.corrections import DiffSpan, compare
from worker_llm.grammar.explanations.explanation import explain
from worker_llm.grammar.libraries import Doc


def explain_edits(sentence: str, corrected: str, parse: Callable[[str], Doc]) -> tuple[Edit, ...]:
    """What was changed, in the order of the words. Of two edits, each is explained as if the other had been made."""
    spans = [part for span in compare(sentence, corrected) for part in split_span(span)]
    indices = [index for index, span in enumerate(spans) if not span.has_same_words]
    after = parse(corrected)
    return tuple(_explain_edit(spans, index, after, parse) for index in indices)


def split_span(span: DiffSpan) -> list[DiffSpan]:
    """Word by word where their number is the same and none has moved: don't likes → doesn't like is two edits."""
    count = len(span.before)
    if count != len(span.after) or count < 2 or {*map(str.lower, span.before)} & {*map(str.lower, span.after)}:
        return [span]
    start = span.at[0]
    return [
        DiffSpan((old,), (new,), (start + place, start + place + 1))
        for place, (old, new) in enumerate(zip(span.before, span.after, strict=True))
    ]


def _explain_edit(spans: Sequence[DiffSpan], index: int, after: Doc, parse: Callable[[str], Doc]) -> Edit:
    words = [word for span in spans[:index] for word in span.after]
    rest = [word for span in spans[index + 1 :] for word in span.after]
    edit, span = spans[index].edit, spans[index]
    before = parse(" ".join([*words, *span.before, *rest]))
    start = _count_tokens(after, words)
    end, after_end = (
        start + _count_tokens(doc, part, words) for doc, part in ((before, span.before), (after, span.after))
    )
    if (start, end) == (start, start) and after_end == start:
        return edit
    explanation = explain(before, after, start, end, after_end)
    return Edit(edit.before, edit.after, edit.at, explanation.kind, {"en": explanation.en, "zh": explanation.zh})


def _count_tokens(doc: Doc, words: Sequence[str], earlier: Sequence[str] = ()) -> int:
    """How many tokens of the sentence these words are, which stand after the `earlier` ones."""
    start = len(" ".join(earlier)) + bool(earlier)
    end = start + len(" ".join(words))
    return sum(start <= token.idx < end for token in doc)

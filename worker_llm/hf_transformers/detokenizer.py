"""From generated tokens to text, incrementally: only whole characters are emitted, and nothing from a stop text on."""

from collections.abc import Callable, Sequence

REPLACEMENT_CHARACTER = "\ufffd"  # what a decoder puts in place of bytes that are not a character, or not yet


def keep_text(piece: str, is_last: bool) -> str:
    """The postprocessor of models that need none."""
    return piece


class Detokenizer:
    """The text of one answer, without the white space that some chat templates make the model begin with.

    `decode` turns tokens into text. `on_text` gets each piece as soon as it is final. `postprocess` may change the
    text, and hold some of it back until the last piece.
    """

    def __init__(
        self,
        decode: Callable[[list[int]], str],
        stop: Sequence[str],
        on_text: Callable[[str], None],
        postprocess: Callable[[str, bool], str] = keep_text,
    ) -> None:
        self.decode, self.stop = decode, [text for text in stop if text]
        self.on_text, self.postprocess = on_text, postprocess
        self.tokens: list[int] = []
        self.context_start = self.decoded_end = 0  # tokens between them are decoded again, as context of the next ones
        self.text, self.pending_text = "", ""  # what was emitted, and what may be the beginning of a stop text

    def append(self, token: int) -> bool:
        """True when a stop text is complete, which ends the answer."""
        self.tokens.append(token)
        text = self._decode_new_tokens()
        if not text or text.endswith(REPLACEMENT_CHARACTER):
            return False
        self.context_start, self.decoded_end = self.decoded_end, len(self.tokens)
        return self._append_text(self.postprocess(text, False))

    def finish(self) -> bool:
        """Emit what is left, except an incomplete character. True when a stop text is found in it."""
        has_stop_text = self._append_text(
            self.postprocess(self._decode_new_tokens().rstrip(REPLACEMENT_CHARACTER), True)
        )
        self._emit(len(self.pending_text))
        return has_stop_text

    def _decode_new_tokens(self) -> str:
        """In the context of the tokens before them: some decoders drop a space at the beginning of a text."""
        context = self.decode(self.tokens[self.context_start : self.decoded_end])
        return self.decode(self.tokens[self.context_start :])[len(context) :]

    def _append_text(self, text: str) -> bool:
        self.pending_text += text
        if not self.text:
            self.pending_text = self.pending_text.lstrip()
        positions = [self.pending_text.index(stop) for stop in self.stop if stop in self.pending_text]
        if positions:
            self._emit(min(positions))
            self.pending_text = ""
            return True
        self._emit(len(self.pending_text) - self._match_partial_stop())
        return False

    def _match_partial_stop(self) -> int:
        """How many characters at the end may be the beginning of a stop text."""
        max_length = max(map(len, self.stop), default=1) - 1
        lengths = range(min(max_length, len(self.pending_text)), 0, -1)
        return next((n for n in lengths if any(stop.startswith(self.pending_text[-n:]) for stop in self.stop)), 0)

    def _emit(self, chars: int) -> None:
        piece, self.pending_text = self.pending_text[:chars], self.pending_text[chars:]
        if piece:
            self.text += piece
            self.on_text(piece)

"""Text to ChatGLM-6B's tokens and back: ice_text.model, through sentencepiece.

White space is tokens of its own: <n> for a line break, <|tab|>, and <|blank_2|> to <|blank_80|> for blanks in a row.
"""

import re
from collections.abc import Sequence
from pathlib import Path

from sentencepiece import SentencePieceProcessor

BREAK, TAB, MOST_BLANKS = "<n>", "<|tab|>", 80
WHITE = {BREAK: "\n", TAB: "\t"} | {f"<|blank_{many}|>": " " * many for many in range(2, MOST_BLANKS + 1)}
MARKS = ("[MASK]", "[gMASK]", "[sMASK]", "<unused_0>", "<sop>", "<eop>", "<ENC>", "<dBLOCK>")
GAP = re.compile(rf"(\n|\t| {{2,{MOST_BLANKS}}})")


class Words:
    """Raises RuntimeError or OSError for a file that is no model of sentencepiece."""

    def __init__(self, file: Path) -> None:
        self.pieces = SentencePieceProcessor(model_file=str(file))
        self.count: int = self.pieces.get_piece_size()  # tokens that have a text
        self.white = {token: text for piece, text in WHITE.items() if (token := self.id(piece)) is not None}
        self.of_white = {text: token for token, text in self.white.items()}
        known = {mark: self.id(mark) for mark in (*MARKS, *WHITE)}
        self.spelt = {token: self.spell(mark) for mark, token in known.items() if token is not None}

    def id(self, piece: str) -> int | None:
        """The token of exactly this text."""
        token: int = self.pieces.piece_to_id(piece)
        return token if self.pieces.id_to_piece(token) == piece else None

    def encode(self, text: str) -> list[int]:
        """No token of the result is a mark that somebody has typed, not even in wide letters: these are spelt out."""
        chunks, tokens = GAP.split(text), list[int]()
        for place in range(0, len(chunks), 2):
            found = self.read(chunks[place], after=place > 0, before=place < len(chunks) - 1)
            tokens += [each for token in found for each in self.spelt.get(token, (token,))]
            tokens += [self.of_white[gap] for gap in chunks[place + 1 : place + 2]]
        return tokens

    def read(self, chunk: str, after: bool, before: bool) -> list[int]:
        """As it is read `after` white space and `before` some: without the space that a text begins with, and whole."""
        found: list[int] = self.pieces.encode(f"{BREAK if after else ''}{chunk}{BREAK if before else ''}")
        first = found.index(self.of_white["\n"]) + 1 if after else 0
        return found[first : len(found) - 1 if before else None]

    def spell(self, mark: str) -> tuple[int, ...]:
        """The tokens of a mark's letters: its text in two parts."""
        return tuple(token for part in (mark[0], mark[1:]) for token in self.read(part, after=True, before=False))

    def decode(self, tokens: Sequence[int]) -> str:
        """Without marks, and without sentencepiece's space before a text. Half a character becomes \\ufffd."""
        text = b"".join(self.bytes_of(token) for token in tokens).decode(errors="replace")
        return text.removeprefix(" ")

    def bytes_of(self, token: int) -> bytes:
        if token in self.white:
            return self.white[token].encode()
        if token in self.spelt or self.pieces.is_control(token):
            return b""
        piece: str = " ⁇ " if self.pieces.is_unknown(token) else self.pieces.id_to_piece(token)
        return bytes([int(piece[3:5], 16)]) if self.pieces.is_byte(token) else piece.replace("▁", " ").encode()

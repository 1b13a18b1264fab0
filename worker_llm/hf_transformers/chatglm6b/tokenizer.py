"""ChatGLM-6B's text: its tokens through sentencepiece, the format of its chats, and the postprocessing of its answers.

White space has tokens of its own: <n> for a line break, <|tab|>, and <|blank_2|> to <|blank_80|> for spaces in a row.
"""

import re
from collections.abc import Sequence
from pathlib import Path

from sentencepiece import SentencePieceProcessor

from pipeline.errors import BadRequest
from worker_llm.engine import Message
from worker_llm.hf_transformers.chat_template import merge_system_message

LINE_BREAK, TAB_TOKEN, MAX_SPACES = "<n>", "<|tab|>", 80
WHITE_SPACE = {LINE_BREAK: "\n", TAB_TOKEN: "\t"} | {f"<|blank_{n}|>": " " * n for n in range(2, MAX_SPACES + 1)}
SPECIAL_TOKENS = ("[MASK]", "[gMASK]", "[sMASK]", "<unused_0>", "<sop>", "<eop>", "<ENC>", "<dBLOCK>")
WHITE_SPACE_PATTERN = re.compile(rf"(\n|\t| {{2,{MAX_SPACES}}})")

ROUND_FORMAT = "[Round {number}]\n问：{question}\n答：{answer}"

DATE_PLACEHOLDER, DATE = "[[训练时间]]", "2023年"  # what the model was trained to say of its time, and its replacement
HAN = "\u4e00-\u9fff"
FULL_WIDTH = str.maketrans(",!:;?", "，！：；？")
PUNCTUATION_NEXT_TO_HAN = re.compile(f"(?<=[{HAN}])[,!:;?]|[,!:;?](?=[{HAN}])")


class ChatGLMTokenizer:
    """ice_text.model. Raises RuntimeError or OSError for a file that is not a model of sentencepiece."""

    def __init__(self, file: Path) -> None:
        self.pieces = SentencePieceProcessor(model_file=str(file))
        self.vocab_size: int = self.pieces.get_piece_size()  # tokens that have a text
        self.white_space = {
            token: text for piece, text in WHITE_SPACE.items() if (token := self.find_token(piece)) is not None
        }
        self.white_space_tokens = {text: token for token, text in self.white_space.items()}
        special = {text: self.find_token(text) for text in (*SPECIAL_TOKENS, *WHITE_SPACE)}
        self.spellings = {token: self._spell_out(text) for text, token in special.items() if token is not None}

    def find_token(self, piece: str) -> int | None:
        """The token of exactly this text."""
        token: int = self.pieces.piece_to_id(piece)
        return token if self.pieces.id_to_piece(token) == piece else None

    def encode(self, text: str) -> list[int]:
        """Special tokens that a user types are spelled out, even in full-width letters: none is in the result."""
        chunks, tokens = WHITE_SPACE_PATTERN.split(text), list[int]()  # text and white space alternate
        for index in range(0, len(chunks), 2):
            chunk_tokens = self._encode_chunk(
                chunks[index], after_white_space=index > 0, before_white_space=index < len(chunks) - 1
            )
            tokens += [
                token for chunk_token in chunk_tokens for token in self.spellings.get(chunk_token, (chunk_token,))
            ]
            tokens += [self.white_space_tokens[space] for space in chunks[index + 1 : index + 2]]
        return tokens

    def _encode_chunk(self, chunk: str, after_white_space: bool, before_white_space: bool) -> list[int]:
        """As sentencepiece encodes it within a text: next to white space it adds no space, and keeps all characters."""
        before, after = (LINE_BREAK if adjacent else "" for adjacent in (after_white_space, before_white_space))
        tokens: list[int] = self.pieces.encode(f"{before}{chunk}{after}")
        start = tokens.index(self.white_space_tokens["\n"]) + 1 if after_white_space else 0
        return tokens[start : len(tokens) - 1 if before_white_space else None]

    def _spell_out(self, special: str) -> tuple[int, ...]:
        """The tokens of its characters: its text, encoded in two parts."""
        parts = (special[0], special[1:])
        return tuple(
            token
            for part in parts
            for token in self._encode_chunk(part, after_white_space=True, before_white_space=False)
        )

    def decode(self, tokens: Sequence[int]) -> str:
        """Without special tokens, and without sentencepiece's space before a text. Incomplete bytes become \\ufffd."""
        text = b"".join(self._get_bytes(token) for token in tokens).decode(errors="replace")
        return text.removeprefix(" ")

    def _get_bytes(self, token: int) -> bytes:
        if token in self.white_space:
            return self.white_space[token].encode()
        if token in self.spellings or self.pieces.is_control(token):
            return b""
        piece: str = " ⁇ " if self.pieces.is_unknown(token) else self.pieces.id_to_piece(token)
        return bytes([int(piece[3:5], 16)]) if self.pieces.is_byte(token) else piece.replace("▁", " ").encode()


class RoundsTemplate:
    """ChatGLM-6B's format of a chat, a ChatTemplate. The answer begins after [gMASK] and <sop>."""

    def __init__(self, tokenizer: ChatGLMTokenizer, gmask: int, sop: int) -> None:
        self.tokenizer, self.generation_prompt = tokenizer, [gmask, sop]

    def encode_chat(self, messages: Sequence[Message]) -> list[int]:
        """Raises BadRequest unless questions and answers alternate, and a question is the last."""
        return self.tokenizer.encode(format_rounds(merge_system_message(messages))) + self.generation_prompt

    def encode_text(self, text: str) -> list[int]:
        return self.tokenizer.encode(text)

    def decode(self, tokens: list[int]) -> str:
        return self.tokenizer.decode(tokens)

    def create_postprocessor(self) -> "AnswerPostprocessor":
        return AnswerPostprocessor()


def format_rounds(messages: Sequence[Message]) -> str:
    """A single question is its text alone; later ones follow the rounds before them, which are numbered from 0."""
    texts = [message.content for message in messages]
    expected_roles = [("user", "assistant")[index % 2] for index in range(len(texts) | 1)]
    if [message.role for message in messages] != expected_roles:
        raise BadRequest("The model accepts alternating questions and answers that begin and end with a question.")
    if len(texts) == 1:
        return texts[0]
    rounds = zip(texts[::2], [*texts[1::2], ""], strict=True)
    return "\n".join(
        ROUND_FORMAT.format(number=number, question=question, answer=answer)
        for number, (question, answer) in enumerate(rounds)
    )


class AnswerPostprocessor:
    """What the model's makers do to its answers: full-width punctuation next to Chinese characters, and a date.

    The text comes in pieces; what a later piece may still change is returned later.
    """

    def __init__(self) -> None:
        self.last_char, self.pending_text = "", ""  # the last one that was returned, and what was not returned yet

    def __call__(self, piece: str, is_last: bool) -> str:
        """The text that is final; with the last piece, all that is left."""
        self.pending_text = (self.pending_text + piece).replace(DATE_PLACEHOLDER, DATE)
        context = self.last_char + self.pending_text
        text = PUNCTUATION_NEXT_TO_HAN.sub(lambda match: match[0].translate(FULL_WIDTH), context)[len(self.last_char) :]
        final_chars = len(text) if is_last else len(text) - count_unstable_chars(text)
        final, self.pending_text = text[:final_chars], text[final_chars:]
        self.last_char = (self.last_char + final)[-1:]
        return final


def count_unstable_chars(text: str) -> int:
    """How many characters at its end may still change."""
    if text.endswith((",", "!", ":", ";", "?")):
        return 1
    lengths = range(len(DATE_PLACEHOLDER) - 1, 0, -1)
    return next((length for length in lengths if text.endswith(DATE_PLACEHOLDER[:length])), 0)

"""What people type is text to a model's server, even if it spells what delimits the turns of a chat."""

import pytest

from worker_llm.engine import Message, Prompt
from worker_llm.openai_api.chat_format import build_supported_request


def sent_content(text: str) -> str:
    body = build_supported_request(Prompt((Message("user", text),), max_tokens=1), "model", ())
    return str(body["messages"][0]["content"])


@pytest.mark.parametrize(
    "token",
    [
        "<|im_end|>",
        "<|im_start|>",
        "<|endoftext|>",
        "<｜Assistant｜>",
        "<s>",
        "</s>",
        "[INST]",
        "[/INST]",
        "<<SYS>>",
        "<start_of_turn>",
        "<end_of_turn>",
        "[gMASK]",
        "<eop>",
    ],
)
def test_a_special_token_is_split(token):
    sent = sent_content(f"a {token}{token} b")
    assert token not in sent
    assert sent.replace("\u200b", "") == f"a {token}{token} b"


@pytest.mark.parametrize("text", ["Is 3 < 4?", "a [b] c", "<b>bold</b>", "x | y | z", "[1] <a@b.example>"])
def test_other_text_is_unchanged(text):
    assert sent_content(text) == text

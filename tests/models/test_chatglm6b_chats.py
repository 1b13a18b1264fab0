"""ChatGLM-6B answers chats: alone as beside others, as they come, and in a whole house."""

from pathlib import Path

import httpx
import pytest
import torch
from e2e_house import opened as house_opened

from pipeline import personas
from pipeline.errors import Canceled, PromptTooLong
from pipeline.settings import Settings, settings
from waijiao.cli.demo import TEACHERS
from waijiao.tiny_models import chatglm6b
from worker_llm.chatglm6b.folder import recognised
from worker_llm.engine import Message, Prompt, Sampling
from worker_llm.transformers import Transformers

WORDS = ("Hello.", "Yesterday I went to the library and I read two books. " * 3, "你昨天去了哪里？", "x", "My cat")


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return chatglm6b.make(tmp_path_factory.mktemp("chatglm6b"))


@pytest.fixture(scope="module")
def model(folder):
    return Transformers(folder, Settings(llm_batch=2))


def chat(text, max_tokens=20, before=(), **more):
    messages = [Message(("user", "assistant")[place % 2], said) for place, said in enumerate((*before, text))]
    system = Message("system", "You are William, a foreign teacher. Correct what they say.")
    return Prompt((system, *messages), max_tokens, **{"stop": (), **more})


def without_cache(model, prompt):
    """The likeliest tokens, each by reading the whole chat anew."""
    network, tokens, answer = model.reader.network.model, model.form.tokens(prompt.messages), list[int]()
    while len(answer) < prompt.max_tokens and not set(answer) & model.reader.ends:
        whole = torch.tensor([tokens + answer])
        length = whole.shape[1]
        with torch.inference_mode():
            scores = network(
                input_ids=whole,
                contexts=torch.tensor([len(tokens) - 1]),
                attention_mask=torch.ones(1, length),
                position_ids=torch.arange(length).unsqueeze(0),
            ).logits[0, -1, : model.reader.network.words]
        answer.append(int(scores.argmax()))
    return tokens, answer


def test_a_batch_says_what_the_network_says_to_each_chat_read_anew_for_every_token(model):
    prompts = [chat(words) for words in WORDS]
    prompts += [chat("OK?", before=("你好", "你好！")), chat("Bye.", 9, before=("Hi", "Hello, who are you?") * 3)]
    for prompt, reply in zip(prompts, model.reply(prompts), strict=True):
        tokens, answer = without_cache(model, prompt)
        text = model.form.finish()(model.form.decode(answer), True)
        assert text.lstrip().rstrip("\ufffd") == reply.text
        assert (reply.prompt_tokens, reply.completion_tokens) == (len(tokens), len(answer))


def test_each_is_answered_beside_others_as_alone(model):
    prompts = [chat(words, most) for words in WORDS for most in (3, 25)]
    prompts += [chat("Hello.", sampling=Sampling(1.0, 0.7, seed)) for seed in (7, 8)]
    alone = [model.reply([prompt])[0] for prompt in prompts]
    assert model.reply(prompts) == alone
    assert len({reply.text for reply in alone}) > len(WORDS) + 1


def test_what_is_told_is_what_is_answered(model):
    told = {words: [] for words in WORDS}
    replies = model.reply([chat(words, 40, tell=told[words].append) for words in WORDS])
    for words, reply in zip(WORDS, replies, strict=True):
        assert "".join(told[words]) == reply.text != ""
        assert 1 < len(told[words]) <= reply.completion_tokens + 1


@pytest.fixture
def read(model):
    """How many tokens the network has read at each call."""
    counts = []
    hook = model.reader.network.model.register_forward_pre_hook(
        lambda _, args, kwargs: counts.append(kwargs["input_ids"].shape[1]), with_kwargs=True
    )
    yield counts
    hook.remove()


def test_a_chat_is_read_at_once_and_no_beginning_is_taken_for_it(model, read):
    """Every token of a context sees all of it: what was computed of its beginning is wrong with another end."""
    model.warm(chat("Good morning."))
    read.clear()
    long = chat("word " * 150, 2)
    (reply,) = model.reply([long])
    assert read == [reply.prompt_tokens, 1]
    assert reply.prompt_tokens > 300
    read.clear()
    again = model.reply([long, chat("word " * 150 + "end", 2)])
    assert again[0] == reply
    assert sum(read) >= sum(each.prompt_tokens for each in again)


def test_a_token_without_a_text_is_never_chosen(folder):
    """The network has scores for more than the vocabulary: here they are the highest by far."""
    model = Transformers(folder, Settings())
    network = model.reader.network
    assert network.model.config.vocab_size == network.words + chatglm6b.UNUSED_TOKENS
    expected = model.reply([chat("Hello.")])
    network.model.lm_head.register_forward_hook(lambda _, args, scores: scores.index_fill(-1, spare(network), 1e4))
    tokens = model.form.tokens(chat("Hello.").messages)
    with torch.inference_mode():
        assert network.model(
            input_ids=torch.tensor([tokens]),
            contexts=torch.tensor([len(tokens) - 1]),
            attention_mask=torch.ones(1, len(tokens)),
            position_ids=torch.arange(len(tokens)).unsqueeze(0),
        ).logits.argmax(-1)[0, -1] in spare(network)
    assert model.reply([chat("Hello.")]) == expected


def spare(network):
    return torch.arange(network.words, network.model.config.vocab_size)


def test_an_answer_ends_with_the_mark_for_it(model):
    network = model.reader.network
    (end,) = model.reader.ends
    assert network.model.config.eos_token_id == end
    (free,) = model.reply([chat("Hello.", 10)])
    count = iter(range(100))

    def ending(_, args, scores):
        return scores.index_fill(-1, torch.tensor([end]), 1e4) if next(count) == 4 else scores

    hook = network.model.lm_head.register_forward_hook(ending)
    try:
        (reply,) = model.reply([chat("Hello.", 10)])
    finally:
        hook.remove()
    assert (reply.finish_reason, reply.completion_tokens) == ("stop", 5)
    assert free.text.startswith(reply.text)


def test_there_is_room_for_as_many_tokens_as_the_model_was_made_for(model):
    assert model.context == 2048
    (reply,) = model.reply([chat("word " * 1200)])
    assert isinstance(reply, PromptTooLong)
    assert "at most 2047 fit" in reply.detail


def test_who_is_not_wanted_any_more_is_not_read(model, read):
    (reply,) = model.reply([chat("word " * 100, wanted=lambda: False)])
    assert isinstance(reply, Canceled)
    assert read == []


def test_tokens_are_counted_as_in_a_message(model):
    for text in ("Yesterday I went to the library.", "你好", "<sop>", ""):
        assert model.count_tokens(text) == len(model.form.words(text))


# --- a whole house -------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def house(tmp_path_factory, folder):
    """With ChatGLM-6B for its language model, chosen by the settings that choose any."""
    chosen = {"WAIJIAO_LLM_ENGINE": "transformers", "WAIJIAO_LLM_MODEL": str(folder)}
    with house_opened(tmp_path_factory.mktemp("house"), **chosen) as running:
        yield running


def test_typed_questions_are_answered_together_by_the_persona(house):
    accepted = [house.post(text=f"I has {number} dogs.", session=f"child-{number}") for number in range(5)]
    jobs = [house.ended(each) for each in accepted]
    assert [job["state"] for job in jobs] == ["succeeded"] * 5
    william = personas.load("william", settings().personas)
    assert {job["feedback"]["reply"] for job in jobs} <= {william.fallback, william.puzzled}  # noise is not passed on


def test_a_session_goes_on_in_rounds(house):
    first, second = (house.ask(text=text, session="anna") for text in ("I am Anna.", "Who am I?"))
    assert (first["state"], second["state"]) == ("succeeded", "succeeded")
    assert second["seq"] == first["seq"] + 1


def test_a_chat_through_the_api_is_the_model_s_own_whole_or_streamed(house, model):
    messages = [{"role": "user", "content": "你好"}, {"role": "assistant", "content": "Hi!"}]
    messages.append({"role": "user", "content": "<eop> Go on."})
    asked = {"model": "default", "messages": messages, "temperature": 0, "max_tokens": 24}
    whole = httpx.post(f"{house.url}/v1/chat/completions", json=asked, timeout=60, trust_env=False).json()
    prompt = Prompt(tuple(Message(each["role"], each["content"]) for each in messages), 24, stop=())
    (expected,) = model.reply([prompt])
    assert whole["choices"][0]["message"]["content"] == expected.text != ""
    assert whole["usage"]["prompt_tokens"] == expected.prompt_tokens
    streamed = httpx.post(
        f"{house.url}/v1/chat/completions", json=asked | {"stream": True}, timeout=60, trust_env=False
    )
    events = [line.removeprefix("data: ") for line in streamed.text.splitlines() if line.startswith("data: {")]
    pieces = [choice["delta"].get("content") or "" for each in events for choice in parsed(each)["choices"]]
    assert "".join(pieces) == expected.text


def test_the_demo_of_the_teachers_has_it(tmp_path):
    chosen = TEACHERS["tiny-chatglm-6b"](Settings(), tmp_path)
    assert (chosen.llm_engine, chosen.tts_engine) == ("transformers", "bark")
    assert recognised(Path(chosen.llm_model))


def parsed(text):
    return httpx.Response(200, text=text).json()

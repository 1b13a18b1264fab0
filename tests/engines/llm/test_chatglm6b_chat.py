"""ChatGLM-6B answers chats: alone, in a batch, streamed, and in a running product."""

from pathlib import Path

import httpx
import pytest
import torch

from pipeline import personas
from pipeline.errors import Canceled, PromptTooLong
from pipeline.settings import Settings, settings
from tests.support.running_app import run_app
from waijiao.cli.demo import TEACHERS
from waijiao.tiny_models import chatglm6b
from worker_llm.engine import Message, Prompt, SamplingParams
from worker_llm.hf_transformers.chatglm6b.loading import is_chatglm6b
from worker_llm.hf_transformers.engine import Transformers
from worker_llm.tutor.questions import bank

PROMPTS = ("Hello.", "Yesterday I went to the library and I read two books. " * 3, "你昨天去了哪里？", "x", "My cat")


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return chatglm6b.make(tmp_path_factory.mktemp("chatglm6b"))


@pytest.fixture(scope="module")
def model(folder):
    return Transformers(folder, Settings(llm_batch=2))


def chat(text, max_tokens=20, before=(), **more):
    messages = [Message(("user", "assistant")[index % 2], content) for index, content in enumerate((*before, text))]
    system = Message("system", "You are William, a foreign teacher. Correct what they say.")
    return Prompt((system, *messages), max_tokens, **{"stop": (), **more})


def generate_without_cache(engine, prompt):
    """The likeliest tokens, each by computing the whole chat again."""
    config, tokens, answer = engine.config, engine.chat_template.encode_chat(prompt.messages), list[int]()
    while len(answer) < prompt.max_tokens and not set(answer) & config.stop_tokens:
        whole = torch.tensor([tokens + answer])
        length = whole.shape[1]
        with torch.inference_mode():
            logits = config.model_runner.model(
                input_ids=whole,
                context_lengths=torch.tensor([len(tokens) - 1]),
                attention_mask=torch.ones(1, length),
                position_ids=torch.arange(length).unsqueeze(0),
            ).logits[0, -1, : config.model_runner.vocab_size]
        answer.append(int(logits.argmax()))
    return tokens, answer


def test_a_batch_gives_the_same_tokens_as_each_chat_computed_without_a_cache(model):
    prompts = [chat(question) for question in PROMPTS]
    prompts += [chat("OK?", before=("你好", "你好！")), chat("Bye.", 9, before=("Hi", "Hello, who are you?") * 3)]
    for prompt, reply in zip(prompts, model.reply(prompts), strict=True):
        tokens, answer = generate_without_cache(model, prompt)
        text = model.chat_template.create_postprocessor()(model.chat_template.decode(answer), True)
        assert text.lstrip().rstrip("\ufffd") == reply.text
        assert (reply.prompt_tokens, reply.completion_tokens) == (len(tokens), len(answer))


def test_a_chat_gets_the_same_answer_in_a_batch_as_alone(model):
    prompts = [chat(question, most) for question in PROMPTS for most in (3, 25)]
    prompts += [chat("Hello.", sampling=SamplingParams(1.0, 0.7, seed)) for seed in (7, 8)]
    alone = [model.reply([prompt])[0] for prompt in prompts]
    assert model.reply(prompts) == alone
    assert len({reply.text for reply in alone}) > len(PROMPTS) + 1


def test_the_emitted_pieces_are_the_answer(model):
    pieces = {question: [] for question in PROMPTS}
    replies = model.reply([chat(question, 40, on_text=pieces[question].append) for question in PROMPTS])
    for question, reply in zip(PROMPTS, replies, strict=True):
        assert "".join(pieces[question]) == reply.text != ""
        assert 1 < len(pieces[question]) <= reply.completion_tokens + 1


@pytest.fixture
def computed_tokens(model):
    """How many tokens the model has computed of each sequence, call by call."""
    counts = []
    hook = model.config.model_runner.model.register_forward_pre_hook(
        lambda _, args, kwargs: counts.append(kwargs["input_ids"].shape[1]), with_kwargs=True
    )
    yield counts
    hook.remove()


def test_a_chat_is_prefilled_at_once_and_no_prefix_is_shared(model, computed_tokens):
    """Every token of a context attends to all of it, so a prefix with another end must be computed again."""
    model.warm(chat("Good morning."))
    computed_tokens.clear()
    long = chat("word " * 150, 2)
    (reply,) = model.reply([long])
    assert computed_tokens == [reply.prompt_tokens, 1]
    assert reply.prompt_tokens > 300
    computed_tokens.clear()
    again = model.reply([long, chat("word " * 150 + "end", 2)])
    assert again[0] == reply
    assert sum(computed_tokens) >= sum(each.prompt_tokens for each in again)


def test_a_token_without_a_text_is_never_chosen(folder):
    """The model has logits for more tokens than the vocabulary: here they are the highest by far."""
    model = Transformers(folder, Settings())
    runner = model.config.model_runner
    assert runner.model.config.vocab_size == runner.vocab_size + chatglm6b.UNUSED_TOKENS
    expected = model.reply([chat("Hello.")])
    unused = torch.arange(runner.vocab_size, runner.model.config.vocab_size)
    runner.model.lm_head.register_forward_hook(lambda _, args, logits: logits.index_fill(-1, unused, 1e4))
    tokens = model.chat_template.encode_chat(chat("Hello.").messages)
    with torch.inference_mode():
        assert (
            runner.model(
                input_ids=torch.tensor([tokens]),
                context_lengths=torch.tensor([len(tokens) - 1]),
                attention_mask=torch.ones(1, len(tokens)),
                position_ids=torch.arange(len(tokens)).unsqueeze(0),
            ).logits.argmax(-1)[0, -1]
            in unused
        )
    assert model.reply([chat("Hello.")]) == expected


def test_an_answer_ends_with_the_stop_token(model):
    network = model.config.model_runner.model
    (stop_token,) = model.config.stop_tokens
    assert network.config.eos_token_id == stop_token
    (unstopped,) = model.reply([chat("Hello.", 10)])
    count = iter(range(100))

    def stop_at_fifth(_, args, logits):
        return logits.index_fill(-1, torch.tensor([stop_token]), 1e4) if next(count) == 4 else logits

    hook = network.lm_head.register_forward_hook(stop_at_fifth)
    try:
        (reply,) = model.reply([chat("Hello.", 10)])
    finally:
        hook.remove()
    assert (reply.finish_reason, reply.completion_tokens) == ("stop", 5)
    assert unstopped.text.startswith(reply.text)


def test_the_context_is_as_long_as_the_model_s(model):
    assert model.context == 2048
    (reply,) = model.reply([chat("word " * 1200)])
    assert isinstance(reply, PromptTooLong)
    assert "at most 2047 fit" in reply.detail


def test_a_prompt_that_is_not_wanted_is_not_computed(model, computed_tokens):
    (reply,) = model.reply([chat("word " * 100, still_wanted=lambda: False)])
    assert isinstance(reply, Canceled)
    assert computed_tokens == []


def test_tokens_are_counted_as_in_a_message(model):
    for text in ("Yesterday I went to the library.", "你好", "<sop>", ""):
        assert model.count_tokens(text) == len(model.chat_template.encode_text(text))


# --- a whole server -------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def app(tmp_path_factory, folder):
    """With ChatGLM-6B for its language model, chosen by the settings that choose any."""
    options = {"WAIJIAO_LLM_ENGINE": "transformers", "WAIJIAO_LLM_MODEL": str(folder)}
    with run_app(tmp_path_factory.mktemp("app"), **options) as running:
        yield running


def test_typed_questions_are_answered_together_by_the_persona(app):
    accepted = [app.post(text=f"I have {number} dogs.", session=f"child-{number}") for number in range(5)]
    jobs = [app.wait_until_ended(each) for each in accepted]
    assert [job["state"] for job in jobs] == ["succeeded"] * 5
    william = personas.load("william", settings().personas)
    questions = {william.fallback, *(question.text for question in bank.QUESTIONS)}
    replies = {job["feedback"]["reply"].removeprefix(f"{william.praise} ") for job in jobs}
    assert replies <= questions  # noise is not passed on


def test_turns_of_a_session_are_rounds_of_the_prompt(app):
    first, second = (app.ask(text=text, session="anna") for text in ("I am Anna.", "Who am I?"))
    assert (first["state"], second["state"]) == ("succeeded", "succeeded")
    assert second["seq"] == first["seq"] + 1


def test_a_chat_through_the_api_is_the_model_s_own_whole_or_streamed(app, model):
    messages = [{"role": "user", "content": "你好"}, {"role": "assistant", "content": "Hi!"}]
    messages.append({"role": "user", "content": "<eop> Go on."})
    body = {"model": "default", "messages": messages, "temperature": 0, "max_tokens": 24}
    whole = httpx.post(f"{app.url}/v1/chat/completions", json=body, timeout=60, trust_env=False).json()
    prompt = Prompt(tuple(Message(each["role"], each["content"]) for each in messages), 24, stop=())
    (expected,) = model.reply([prompt])
    assert whole["choices"][0]["message"]["content"] == expected.text != ""
    assert whole["usage"]["prompt_tokens"] == expected.prompt_tokens
    streamed = httpx.post(f"{app.url}/v1/chat/completions", json=body | {"stream": True}, timeout=60, trust_env=False)
    events = [line.removeprefix("data: ") for line in streamed.text.splitlines() if line.startswith("data: {")]
    pieces = [choice["delta"].get("content") or "" for each in events for choice in parse_json(each)["choices"]]
    assert "".join(pieces) == expected.text


def test_the_demo_of_the_large_teachers_has_the_model(tmp_path):
    chosen = TEACHERS["tiny-chatglm-6b"](Settings(), tmp_path)
    assert (chosen.llm_engine, chosen.tts_engine) == ("transformers", "bark")
    assert is_chatglm6b(Path(chosen.llm_model))


def parse_json(text):
    return httpx.Response(200, text=text).json()

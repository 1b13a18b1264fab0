"""Models of transformers answer several chats together, each as if it were alone."""

import dataclasses
import os
import signal
import sys
import time

import pytest
import torch
from celery.exceptions import SoftTimeLimitExceeded
from transformers import Glm4Config, GlmConfig, LlamaConfig, MistralConfig, Qwen3Config

from pipeline.errors import Canceled, ConfigurationError, EngineFailed, OutOfMemory, PromptTooLong
from pipeline.jobs.results import Completion
from pipeline.settings import Settings
from waijiao.tiny_models import glm
from worker_llm.engine import Message, Prompt, SamplingParams
from worker_llm.hf_transformers.detokenizer import REPLACEMENT_CHARACTER
from worker_llm.hf_transformers.engine import Transformers
from worker_llm.hf_transformers.kv_cache import ModelRunner

FAMILIES = {
    "glm": (GlmConfig, {}),
    "glm4": (Glm4Config, {}),
    "llama": (LlamaConfig, {}),
    "qwen3": (Qwen3Config, {}),
    "mistral": (MistralConfig, {"sliding_window": 16}),  # shorter than the prompts
}
QUESTIONS = ("Hello.", "Yesterday I went to the library and I read two books. " * 3, "你昨天去了哪里？", "x", "My cat")
SYSTEM = "You are William, a foreign teacher. Correct what they say, and ask a short question. " * 4


@pytest.fixture(scope="module", params=FAMILIES)
def family(request, tmp_path_factory):
    """A tiny model of each family, two chats at once."""
    config_class, sizes = FAMILIES[request.param]
    return load(glm.make(tmp_path_factory.mktemp(request.param), config_class, **sizes))


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return glm.make(tmp_path_factory.mktemp("glm"))


@pytest.fixture(scope="module")
def model(folder):
    return load(folder)


def load(folder, **settings):
    return Transformers(folder, Settings(**{"llm_batch": 2, "llm_context": 1024, **settings}))


def chat(text, max_tokens=20, system=SYSTEM, **more):
    messages = (Message("system", system), Message("user", text)) if system else (Message("user", text),)
    return Prompt(messages, max_tokens, **{"stop": (), **more})


def get_texts(replies):
    return [reply.text for reply in replies]


@pytest.fixture
def count_computed_tokens(model):
    """How many tokens the model has computed since the test began."""
    counts = []
    hook = model.config.model_runner.model.register_forward_pre_hook(
        lambda _, args, kwargs: counts.append(kwargs["input_ids"].numel()), with_kwargs=True
    )
    yield lambda: sum(counts)
    hook.remove()


def test_a_batch_answers_as_transformers_itself_answers_each_prompt(family):
    model, template = family.config.model_runner.model, family.chat_template
    replies = family.reply([chat(question) for question in QUESTIONS])
    for question, reply in zip(QUESTIONS, replies, strict=True):
        tokens = template.encode_chat(chat(question).messages)
        output = model.generate(torch.tensor([tokens]), max_new_tokens=20, do_sample=False)
        answer = output[0, len(tokens) :].tolist()
        text = template.decode(answer).strip()
        assert text.rstrip(REPLACEMENT_CHARACTER) == reply.text  # an incomplete character is not emitted
        assert (reply.prompt_tokens, reply.completion_tokens) == (len(tokens), len(answer))


def test_a_finished_answer_makes_room_for_a_waiting_prompt(model):
    prompts = [chat(question, most) for question in QUESTIONS for most in (3, 25, 1)]
    alone = [model.reply([prompt])[0] for prompt in prompts]
    assert model.reply(prompts) == alone
    assert {reply.completion_tokens for reply in alone} >= {3, 25, 1}


def test_seeds_give_the_same_in_a_batch_as_alone(model):
    prompts = [chat("Hello.", sampling=SamplingParams(1.0, 0.9, seed)) for seed in (7, 8, 7)]
    prompts.append(chat("Hello."))
    seven, eight, again, greedy = get_texts(model.reply(prompts))
    assert seven == again
    assert len({seven, eight, greedy}) == 3
    assert [seven, eight, again, greedy] == [model.reply([prompt])[0].text for prompt in prompts]


def test_without_a_seed_each_answer_is_different(model):
    unseeded = chat("Hello.", sampling=SamplingParams(1.5))
    first, second = get_texts(model.reply([unseeded, unseeded]))
    assert first != second


def test_of_a_tiny_top_p_only_the_likeliest_is_left(model):
    narrow, greedy = chat("Hello.", sampling=SamplingParams(1.0, 1e-6, 3)), chat("Hello.")
    assert get_texts(model.reply([narrow])) == get_texts(model.reply([greedy]))


def test_a_persona_is_computed_once_and_the_answers_stay_the_same(folder, model, count_computed_tokens):
    model.warm(chat("Good morning."))
    prefix = model.chat_template.encode_chat([Message("system", SYSTEM)])[:-1]  # without the assistant's special token
    before = count_computed_tokens()
    replies = model.reply([chat(question, 1) for question in QUESTIONS])
    tokens = sum(reply.prompt_tokens for reply in replies)
    assert count_computed_tokens() - before <= tokens - len(QUESTIONS) * len(prefix)
    assert replies == load(folder).reply([chat(question, 1) for question in QUESTIONS])


def test_several_personas_are_cached_at_the_same_time(model, count_computed_tokens):
    systems = [f"{name} is your name. {SYSTEM}" for name in ("William", "Emma", "Li")]
    model.reply([chat("Hello.", 1, system) for system in systems])
    before = count_computed_tokens()
    replies = model.reply([chat("你好", 1, system) for system in systems])
    assert count_computed_tokens() - before < sum(reply.prompt_tokens for reply in replies) / 4


def test_chats_without_a_system_message_do_not_evict_a_persona(model, count_computed_tokens):
    model.reply([chat("Hello.", 1)])
    model.reply([chat(f"{n} books", 1, system="") for n in range(9)])
    before = count_computed_tokens()
    (reply,) = model.reply([chat("What?", 1)])
    assert count_computed_tokens() - before < reply.prompt_tokens / 4


def test_of_a_long_chat_no_more_is_cached_than_a_prompt_may_have(folder):
    small = load(folder, prompt_tokens=50)
    small.reply([chat("Hello.", 1)])
    (prefix,) = small.config.prefix_cache.prefixes
    assert len(prefix.tokens) == 50
    assert {key.shape[2] for key, _ in prefix.layers} == {50}
    assert {key.untyped_storage().nbytes() for key, _ in prefix.layers} == {50 * 2 * 16 * 4}


class WantedForPolls:
    """A callback that says for so many polls that the prompt is wanted."""

    def __init__(self, polls):
        self.polls = polls

    def __call__(self):
        self.polls -= 1
        return self.polls >= 0


def test_a_canceled_sequence_leaves_the_batch_while_the_others_go_on(model):
    still_wanted = WantedForPolls(2)
    prompts = [chat("x", 900, still_wanted=still_wanted), chat("My cat", 300), chat("Hello.", 5)]
    canceled, *others = model.reply(prompts)
    assert isinstance(canceled, Canceled)
    assert still_wanted.polls == -1
    assert others == [model.reply([prompt])[0] for prompt in prompts[1:]]


@pytest.mark.parametrize("polls", [0, 1], ids=["while it waits", "while its prompt is prefilled"])
def test_a_prompt_that_is_not_wanted_is_not_prefilled(model, count_computed_tokens, polls, monkeypatch):
    monkeypatch.setattr("worker_llm.hf_transformers.continuous_batching.CANCEL_POLL_S", 0)
    (reply,) = model.reply([chat("word " * 200, system="", still_wanted=WantedForPolls(polls))])
    assert isinstance(reply, Canceled)
    assert count_computed_tokens() == polls * model.config.prefill_chunk


def test_whether_an_answer_is_wanted_is_checked_only_now_and_then(model):
    polls = []
    start_time = time.monotonic()
    model.reply([chat("Hello.", 200, still_wanted=lambda: polls.append(time.monotonic()) is None)])
    assert len(polls) <= 1 + (time.monotonic() - start_time) / 0.1


def test_a_time_limit_strikes_at_once_and_the_next_prompt_works(model):
    """As Celery's soft limit does: an exception from a signal's handler."""

    def strike(*_):
        raise SoftTimeLimitExceeded

    expected = model.reply([chat("My cat")])
    previous = signal.signal(signal.SIGALRM, strike)
    try:
        signal.setitimer(signal.ITIMER_REAL, 0.2)
        with pytest.raises(SoftTimeLimitExceeded):
            model.reply([chat(question, 1000, system="", sampling=SamplingParams(2.0)) for question in QUESTIONS * 20])
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, previous)
    assert model.reply([chat("My cat")]) == expected


def test_a_prompt_that_is_too_long_fails_alone_and_says_what_fits(model):
    too_long, answered = model.reply([chat("word " * 1100), chat("Hello.", 1)])
    assert isinstance(too_long, PromptTooLong)
    assert "at most 1023 fit" in too_long.detail
    assert isinstance(answered, Completion)


def test_the_answer_ends_where_the_context_ends(folder):
    (reply,) = load(folder, llm_context=60).reply([chat("Hello.", 4000, system="")])
    assert (reply.finish_reason, reply.prompt_tokens + reply.completion_tokens) == ("length", 60)


def test_the_context_is_no_longer_than_the_model_was_made_for(tmp_path):
    short = glm.make(tmp_path, max_position_embeddings=48)
    assert load(short).context == 48


@pytest.fixture
def fail_on_rows(model):
    """Makes the model raise an error whenever it computes a batch of so many rows."""
    hooks = []

    def fail_with(error, rows):
        def fail(_, __, kwargs):
            if len(kwargs["input_ids"]) == rows:
                raise error

        hooks.append(model.config.model_runner.model.register_forward_pre_hook(fail, with_kwargs=True))

    yield fail_with
    for hook in hooks:
        hook.remove()


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (torch.OutOfMemoryError("CUDA out of memory."), OutOfMemory),
        (RuntimeError("[enforce fail] DefaultCPUAllocator: can't allocate memory"), OutOfMemory),
        (RuntimeError("shapes do not match"), EngineFailed),
    ],
)
def test_a_batch_that_fails_fails_with_its_reason_and_the_next_works(model, fail_on_rows, error, expected):
    """Of three prompts, two are in the batch when it fails; the waiting one is answered."""
    fail_on_rows(error, 2)
    first, second, third = model.reply([chat("Hello."), chat("My cat"), chat("x", 3)])
    assert (type(first), type(second)) == (expected, expected)
    assert third == model.reply([chat("x", 3)])[0]


def test_a_prompt_that_is_too_large_for_the_memory_fails_alone(model):
    """It is prefilled alone, while another sequence is generated."""
    expected = model.reply([chat("My cat", 40)])
    hook = model.config.model_runner.model.register_forward_pre_hook(fail_on_long_rows, with_kwargs=True)
    try:
        going_on, failed, after = model.reply([chat("My cat", 40), chat("word " * 99), chat("My cat", 40)])
    finally:
        hook.remove()
    assert isinstance(failed, OutOfMemory)
    assert [going_on, after] == expected * 2


def fail_on_long_rows(_, __, kwargs):
    if kwargs["attention_mask"].shape[-1] > 200:
        raise torch.OutOfMemoryError("CUDA out of memory.")


def test_a_gpu_that_failed_ends_the_process_since_it_answers_it_no_more(model, fail_on_rows, monkeypatch):
    """As after an illegal access, until a new process begins."""
    monkeypatch.setattr(os, "_exit", sys.exit)
    fail_on_rows(torch.AcceleratorError("CUDA error: an illegal memory access was encountered"), 1)
    with pytest.raises(SystemExit) as ended:
        model.reply([chat("Hello.")])
    assert ended.value.code == os.EX_SOFTWARE


def test_logits_that_are_not_numbers_fail_their_own_row(model, monkeypatch):
    """As after an overflow of float16."""
    compute_logits = ModelRunner.__call__

    def compute_nan(model_runner, *arguments):
        logits = compute_logits(model_runner, *arguments)
        if len(logits) == 2:
            logits[0, 5] = torch.nan
        return logits

    monkeypatch.setattr(ModelRunner, "__call__", compute_nan)
    failed, answered = model.reply([chat("Hello.", 9), chat("My cat", 9)])
    assert isinstance(failed, EngineFailed)
    assert isinstance(answered, Completion)


def test_the_emitted_pieces_are_the_answer(model):
    pieces = {question: [] for question in QUESTIONS}
    prompts = [chat(question, 40, on_text=pieces[question].append) for question in QUESTIONS]
    for question, reply in zip(QUESTIONS, model.reply(prompts), strict=True):
        assert "".join(pieces[question]) == reply.text != ""
        assert 1 < len(pieces[question]) <= reply.completion_tokens


def test_it_ends_before_a_stop_word_which_is_never_emitted(model):
    (unstopped,) = model.reply([chat("Hello.", 30)])
    word = unstopped.text[8:11]
    pieces = []
    prompt = chat("Hello.", 30, stop=("never", word), on_text=pieces.append)
    stopped, other = model.reply([prompt, chat("Hello.", 30)])
    assert stopped.finish_reason == "stop"
    assert stopped.text == "".join(pieces) == unstopped.text[: unstopped.text.index(word)]
    assert stopped.completion_tokens < other.completion_tokens
    assert other == unstopped


def test_any_prompt_can_be_warmed(model):
    model.warm(chat("Hello."))
    model.warm(dataclasses.replace(chat("Hello.", system=""), stop=("\n",)))
    assert isinstance(model.reply([chat("Hello.")])[0], Completion)


def test_a_model_that_cannot_answer_a_greeting_takes_no_jobs(model, fail_on_rows):
    fail_on_rows(torch.OutOfMemoryError("CUDA out of memory."), 2)
    with pytest.raises(ConfigurationError, match="cannot answer even a greeting: The language model ran out of memory"):
        model.warm(chat("Hello."))

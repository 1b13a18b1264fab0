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
from worker_llm.engine import Message, Prompt, Sampling
from worker_llm.transformers import Transformers
from worker_llm.written import HALF

FAMILIES = {
    "glm": (GlmConfig, {}),
    "glm4": (Glm4Config, {}),
    "llama": (LlamaConfig, {}),
    "qwen3": (Qwen3Config, {}),
    "mistral": (MistralConfig, {"sliding_window": 16}),  # shorter than the prompts
}
WORDS = ("Hello.", "Yesterday I went to the library and I read two books. " * 3, "你昨天去了哪里？", "x", "My cat")
SYSTEM = "You are William, a foreign teacher. Correct what they say, and ask a short question. " * 4


@pytest.fixture(scope="module", params=FAMILIES)
def family(request, tmp_path_factory):
    """A tiny model of each family, two chats at once."""
    kind, more = FAMILIES[request.param]
    return opened(glm.make(tmp_path_factory.mktemp(request.param), kind, **more))


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return glm.make(tmp_path_factory.mktemp("glm"))


@pytest.fixture(scope="module")
def model(folder):
    return opened(folder)


def opened(folder, **settings):
    return Transformers(folder, Settings(**{"llm_batch": 2, "llm_context": 1024, **settings}))


def chat(text, max_tokens=20, system=SYSTEM, **more):
    messages = (Message("system", system), Message("user", text)) if system else (Message("user", text),)
    return Prompt(messages, max_tokens, **{"stop": (), **more})


def texts(replies):
    return [reply.text for reply in replies]


@pytest.fixture
def computed(model):
    """How many tokens the model has computed since the test began."""
    counts = []
    network = model.reader.network.model
    hook = network.register_forward_pre_hook(
        lambda _, args, kwargs: counts.append(kwargs["input_ids"].numel()), with_kwargs=True
    )
    yield lambda: sum(counts)
    hook.remove()


def test_a_batch_says_what_transformers_itself_says_to_each_prompt(family):
    network, form = family.reader.network.model, family.form
    replies = family.reply([chat(words) for words in WORDS])
    for words, reply in zip(WORDS, replies, strict=True):
        tokens = form.tokens(chat(words).messages)
        answer = network.generate(torch.tensor([tokens]), max_new_tokens=20, do_sample=False)[0, len(tokens) :].tolist()
        assert family.form.decode(answer).strip().rstrip(HALF) == reply.text  # half a character is not told
        assert (reply.prompt_tokens, reply.completion_tokens) == (len(tokens), len(answer))


def test_answers_of_different_length_leave_room_for_those_that_wait(model):
    prompts = [chat(words, most) for words in WORDS for most in (3, 25, 1)]
    alone = [model.reply([prompt])[0] for prompt in prompts]
    assert model.reply(prompts) == alone
    assert {reply.completion_tokens for reply in alone} >= {3, 25, 1}


def test_two_seeds_in_one_batch_give_what_they_give_alone(model):
    prompts = [chat("Hello.", sampling=Sampling(1.0, 0.9, seed)) for seed in (7, 8, 7)]
    prompts.append(chat("Hello."))
    seven, eight, again, greedy = texts(model.reply(prompts))
    assert seven == again
    assert len({seven, eight, greedy}) == 3
    assert [seven, eight, again, greedy] == [model.reply([prompt])[0].text for prompt in prompts]


def test_without_a_seed_it_says_something_else_each_time(model):
    free = chat("Hello.", sampling=Sampling(1.5))
    first, second = texts(model.reply([free, free]))
    assert first != second


def test_of_a_tiny_top_p_only_the_likeliest_is_left(model):
    assert texts(model.reply([chat("Hello.", sampling=Sampling(1.0, 1e-6, 3))])) == texts(model.reply([chat("Hello.")]))


def test_a_persona_is_computed_once_and_nothing_else_is_said_for_it(folder, model, computed):
    model.warm(chat("Good morning."))
    fixed = len(model.form.tokens([Message("system", SYSTEM)])) - 1  # the mark of the assistant comes with it
    before = computed()
    replies = model.reply([chat(words, 1) for words in WORDS])
    tokens = sum(reply.prompt_tokens for reply in replies)
    assert computed() - before <= tokens - len(WORDS) * fixed
    assert replies == opened(folder).reply([chat(words, 1) for words in WORDS])


def test_several_personas_are_kept_side_by_side(model, computed):
    systems = [f"{name} is your name. {SYSTEM}" for name in ("William", "Emma", "Li")]
    model.reply([chat("Hello.", 1, system) for system in systems])
    before = computed()
    replies = model.reply([chat("你好", 1, system) for system in systems])
    assert computed() - before < sum(reply.prompt_tokens for reply in replies) / 4


def test_chats_in_passing_do_not_drive_a_persona_out(model, computed):
    model.reply([chat("Hello.", 1)])
    model.reply([chat(f"{n} books", 1, system="") for n in range(9)])
    before = computed()
    (reply,) = model.reply([chat("What?", 1)])
    assert computed() - before < reply.prompt_tokens / 4


def test_of_a_long_chat_no_more_is_kept_than_a_lesson_may_have(folder):
    small = opened(folder, prompt_tokens=50)
    small.reply([chat("Hello.", 1)])
    (kept,) = small.reader.beginnings.kept
    assert len(kept.tokens) == 50
    assert {key.shape[2] for key, _ in kept.layers} == {50}
    assert {key.untyped_storage().nbytes() for key, _ in kept.layers} == {50 * 2 * 16 * 4}


class WantedFor:
    """Whether a prompt is wanted: for so many looks."""

    def __init__(self, looks):
        self.looks = looks

    def __call__(self):
        self.looks -= 1
        return self.looks >= 0


def test_who_is_not_wanted_any_more_leaves_while_the_others_go_on(model):
    wanted = WantedFor(2)
    prompts = [chat("x", 900, wanted=wanted), chat("My cat", 300), chat("Hello.", 5)]
    canceled, *others = model.reply(prompts)
    assert isinstance(canceled, Canceled)
    assert wanted.looks == -1
    assert others == [model.reply([prompt])[0] for prompt in prompts[1:]]


@pytest.mark.parametrize("looks", [0, 1], ids=["while it waits", "while its prompt is read"])
def test_a_prompt_that_is_not_wanted_is_not_read(model, computed, looks, monkeypatch):
    monkeypatch.setattr("worker_llm.row.LOOK_S", 0)
    (reply,) = model.reply([chat("word " * 200, system="", wanted=WantedFor(looks))])
    assert isinstance(reply, Canceled)
    assert computed() == looks * model.reader.step


def test_it_is_not_asked_all_the_time_whether_an_answer_is_wanted(model):
    looks = []
    begun = time.monotonic()
    model.reply([chat("Hello.", 200, wanted=lambda: looks.append(time.monotonic()) is None)])
    assert len(looks) <= 1 + (time.monotonic() - begun) / 0.1


def test_a_time_limit_strikes_at_once_and_the_next_prompt_works(model):
    """As Celery's soft limit does: an exception from a signal's handler."""

    def strike(*_):
        raise SoftTimeLimitExceeded

    expected = model.reply([chat("My cat")])
    usual = signal.signal(signal.SIGALRM, strike)
    try:
        signal.setitimer(signal.ITIMER_REAL, 0.2)
        with pytest.raises(SoftTimeLimitExceeded):
            model.reply([chat(words, 1000, system="", sampling=Sampling(2.0)) for words in WORDS * 20])
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, usual)
    assert model.reply([chat("My cat")]) == expected


def test_a_prompt_that_is_too_long_fails_alone_and_says_what_fits(model):
    too_long, answered = model.reply([chat("word " * 1100), chat("Hello.", 1)])
    assert isinstance(too_long, PromptTooLong)
    assert "at most 1023 fit" in too_long.detail
    assert isinstance(answered, Completion)


def test_the_answer_ends_where_the_context_ends(folder):
    (reply,) = opened(folder, llm_context=60).reply([chat("Hello.", 4000, system="")])
    assert (reply.finish_reason, reply.prompt_tokens + reply.completion_tokens) == ("length", 60)


def test_the_context_is_no_longer_than_the_model_was_made_for(tmp_path):
    short = glm.make(tmp_path, max_position_embeddings=48)
    assert opened(short).context == 48


@pytest.fixture
def trouble(model):
    """Makes the model raise whenever it computes for as many rows."""
    hooks = []

    def raising(error, rows):
        def fail(_, __, kwargs):
            if len(kwargs["input_ids"]) == rows:
                raise error

        hooks.append(model.reader.network.model.register_forward_pre_hook(fail, with_kwargs=True))

    yield raising
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
def test_a_batch_that_fails_fails_with_its_reason_and_the_next_works(model, trouble, error, expected):
    """Three at once, of which two are in the batch when it fails; the one that waits is answered."""
    trouble(error, 2)
    first, second, third = model.reply([chat("Hello."), chat("My cat"), chat("x", 3)])
    assert (type(first), type(second)) == (expected, expected)
    assert third == model.reply([chat("x", 3)])[0]


def test_a_prompt_that_is_too_large_for_the_memory_fails_alone(model):
    """It is read by itself, while another is written."""
    expected = model.reply([chat("My cat", 40)])
    hook = model.reader.network.model.register_forward_pre_hook(too_large, with_kwargs=True)
    try:
        going_on, failed, after = model.reply([chat("My cat", 40), chat("word " * 99), chat("My cat", 40)])
    finally:
        hook.remove()
    assert isinstance(failed, OutOfMemory)
    assert [going_on, after] == expected * 2


def too_large(_, __, kwargs):
    if kwargs["attention_mask"].shape[-1] > 200:
        raise torch.OutOfMemoryError("CUDA out of memory.")


def test_a_gpu_that_failed_ends_the_process_since_it_answers_it_no_more(model, trouble, monkeypatch):
    """As after an illegal access, until a new process begins."""
    monkeypatch.setattr(os, "_exit", sys.exit)
    trouble(torch.AcceleratorError("CUDA error: an illegal memory access was encountered"), 1)
    with pytest.raises(SystemExit) as ended:
        model.reply([chat("Hello.")])
    assert ended.value.code == os.EX_SOFTWARE


def test_scores_that_are_no_numbers_fail_their_own_row(model, monkeypatch):
    """As after an overflow of float16."""
    usual = model.reader.network.__class__.__call__

    def overflowing(network, *read):
        scores = usual(network, *read)
        if len(scores) == 2:
            scores[0, 5] = torch.nan
        return scores

    monkeypatch.setattr(model.reader.network.__class__, "__call__", overflowing)
    failed, answered = model.reply([chat("Hello.", 9), chat("My cat", 9)])
    assert isinstance(failed, EngineFailed)
    assert isinstance(answered, Completion)


def test_what_is_told_is_what_is_answered(model):
    told = {words: [] for words in WORDS}
    prompts = [chat(words, 40, tell=told[words].append) for words in WORDS]
    for words, reply in zip(WORDS, model.reply(prompts), strict=True):
        assert "".join(told[words]) == reply.text != ""
        assert 1 < len(told[words]) <= reply.completion_tokens


def test_it_ends_before_a_stop_word_which_is_never_told(model):
    (free,) = model.reply([chat("Hello.", 30)])
    word = free.text[8:11]
    told = []
    stopped, beside = model.reply([chat("Hello.", 30, stop=("never", word), tell=told.append), chat("Hello.", 30)])
    assert stopped.finish_reason == "stop"
    assert stopped.text == "".join(told) == free.text[: free.text.index(word)]
    assert stopped.completion_tokens < beside.completion_tokens
    assert beside == free


def test_what_is_warmed_may_be_any_prompt(model):
    model.warm(chat("Hello."))
    model.warm(dataclasses.replace(chat("Hello.", system=""), stop=("\n",)))
    assert isinstance(model.reply([chat("Hello.")])[0], Completion)


def test_a_model_that_cannot_answer_a_greeting_takes_no_jobs(model, trouble):
    trouble(torch.OutOfMemoryError("CUDA out of memory."), 2)
    with pytest.raises(ConfigurationError, match="cannot answer even a greeting: The language model ran out of memory"):
        model.warm(chat("Hello."))

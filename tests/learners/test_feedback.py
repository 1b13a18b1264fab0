"""Feedback on what real learners read: their text is found in what was recognised, and the teacher can answer it."""

import pytest

from pipeline import personas
from pipeline.settings import settings
from pipeline.text.alignment import align
from worker_llm import engine
from worker_llm.tutor.feedback import Manner
from worker_llm.tutor.model_reply import Conversation
from worker_llm.tutor.prompt import compose
from worker_llm.tutor.read_aloud import ReadingAttempt, build_reading_feedback, choose_passage
from worker_llm.tutor.teacher import build_unchecked_feedback


@pytest.fixture(scope="module")
def model():
    return engine.load(settings())


@pytest.fixture(scope="module", params=["william", "emma"])
def persona(request):
    return personas.load(request.param, settings().personas)


def edits(spoken, text):
    return [span.edit for span in align(spoken, text) if not span.sounds_same]


def test_a_text_read_correctly_has_no_mistake_and_an_extra_or_missing_word_is_one(learners):
    for learner in learners:
        words = learner.text.lower().split()
        assert edits(", ".join(words), learner.text) == []
        assert [edit.after for edit in edits(" ".join(words[1:]), learner.text)] == [learner.text.split()[0]]
        more = edits(f"xylophone {learner.text}", learner.text)
        assert [(edit.before, edit.after) for edit in more] == [("xylophone", "")]


def test_readings_of_learners_match_their_text_and_other_speech_does_not(learners, persona):
    for learner in learners:
        text = learner.text.capitalize() + "."
        words = text.lower().rstrip(".").split()
        right = build_reading_feedback(ReadingAttempt(" ".join(words), text), "", Conversation(persona))
        assert right.verdict == "correct"
        assert right.spoken.startswith(persona.praise)
        halting = ReadingAttempt(" ".join(word[:-2] + "x" if n % 2 else word for n, word in enumerate(words)), text)
        assert not halting.is_other_text
        assert len(halting.edits) == len(words) // 2
        assert ReadingAttempt("an elephant eats bananas under our umbrella", text).is_other_text


def test_transcripts_of_learners_match_their_text_and_other_transcripts_do_not(learners, transcripts):
    readings = {
        (of, learner.id): ReadingAttempt(transcripts[of].text, learner.text)
        for of in transcripts
        for learner in learners
    }
    own = [reading for (of, text), reading in readings.items() if of == text]
    others = [reading for (of, text), reading in readings.items() if of != text]
    assert sum(reading.is_other_text for reading in own) <= len(own) / 20
    assert sum(not reading.is_other_text for reading in others) <= len(others) / 40


def test_learners_get_feedback_that_can_be_spoken(model, persona, learners):
    for learner in learners[::4]:
        sentence = learner.text.lower()
        (raw,) = model.reply([compose(persona, [], sentence, settings(), model.count_tokens)])
        manner = Manner(persona, can_praise=False)
        feedback = build_unchecked_feedback(sentence, raw.text, Conversation(persona), manner)
        assert feedback.spoken.endswith("?")
        assert len(feedback.spoken) < 500


def test_learners_who_read_aloud_are_asked_about_their_text(model, persona, learners):
    asked = []
    for learner in learners[::4]:
        text = learner.text.capitalize() + "."
        reading = ReadingAttempt(text.lower().replace("the", "ze"), text)
        prompt = compose(persona, [], choose_passage(text), settings(), model.count_tokens)
        feedback = build_reading_feedback(reading, model.reply([prompt])[0].text, Conversation(persona))
        assert feedback.spoken.endswith("?")
        assert feedback.spoken.startswith("Listen: " if reading.edits else persona.praise)
        asked.append(feedback.reply.removeprefix(persona.praise).strip() != persona.fallback)
    assert sum(asked) >= 0.8 * len(asked)

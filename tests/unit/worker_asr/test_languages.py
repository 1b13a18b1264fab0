"""The language of a recording: the expected one, unless another one is clearly recognised."""

import pytest

pytest.importorskip("faster_whisper")

from worker_asr.faster_whisper import find_unexpected_language, likeliest_language

ALL = ("en", "zh", "la", "fr", "cy")


@pytest.mark.parametrize(
    ("probability", "languages", "expected"),
    [
        pytest.param({"en": 0.9, "zh": 0.1}, ("en", "zh"), "en", id="the first"),
        pytest.param({"en": 0.2, "zh": 0.8}, ("en", "zh"), "en", id="an accent"),
        pytest.param({"en": 0.02, "zh": 0.98}, ("en", "zh"), "zh", id="clearly the second"),
        pytest.param({"en": 0.02, "fr": 0.98}, ("en", "zh"), "en", id="one that is not expected"),
        pytest.param({"en": 0.02, "fr": 0.9}, ALL, "fr", id="any that is clear"),
        pytest.param({"en": 0.2, "la": 0.7, "cy": 0.1}, ALL, "en", id="Latin, for an accent"),
        pytest.param({"en": 0.3, "zh": 0.6}, ALL, "en", id="Chinese, for an accent"),
        pytest.param({}, ALL, "en", id="nothing known"),
        pytest.param({"zh": 0.99}, ("en",), "en", id="the only one"),
    ],
)
def test_another_language_must_be_clear(probability, languages, expected):
    assert likeliest_language(probability, languages) == expected


@pytest.mark.parametrize(
    ("probability", "expected_languages", "unexpected"),
    [
        pytest.param({"en": 0.01, "fr": 0.97}, ("en", "zh"), "fr", id="French"),
        pytest.param({"en": 0.02, "zh": 0.01, "ja": 0.9}, ("en", "zh"), "ja", id="Japanese"),
        pytest.param({"en": 0.02, "de": 0.9}, ("en",), "de", id="German, to a teacher of one language"),
        pytest.param({"en": 0.01, "zh": 0.2, "ko": 0.7}, ("en", "zh"), "", id="almost Chinese"),
        pytest.param({"en": 0.2, "fr": 0.6}, ("en", "zh"), "", id="almost English"),
        pytest.param({"en": 0.06, "zh": 0.05, "la": 0.86}, ("en", "zh"), "", id="Latin, for an accent"),
        pytest.param({"en": 0.0, "fr": 0.24, "pl": 0.22, "ms": 0.2}, ("en", "zh"), "", id="none that is likely itself"),
        pytest.param({"en": 0.99, "fr": 0.01}, ("en", "zh"), "", id="English"),
        pytest.param({"zh": 0.99, "fr": 0.01}, ("en", "zh"), "", id="Chinese"),
        pytest.param({"en": 0.4, "zh": 0.4}, ("en", "zh"), "", id="no other language known"),
        pytest.param({}, ("en", "zh"), "", id="nothing known"),
    ],
)
def test_a_language_that_is_not_expected_must_be_clear_against_every_one_that_is(
    probability, expected_languages, unexpected
):
    assert find_unexpected_language(probability, expected_languages) == unexpected

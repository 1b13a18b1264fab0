"""The language of a recording: the expected one, unless another one is clearly recognised."""

import pytest

pytest.importorskip("faster_whisper")

from worker_asr.faster_whisper import likeliest_language

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
    ],
)
def test_another_language_must_be_clear(probability, languages, expected):
    assert likeliest_language(probability, languages) == expected

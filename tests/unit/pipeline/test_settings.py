"""Environment variables that look like settings and are none."""

import pytest

from pipeline.settings import find_unknown_variables


@pytest.mark.parametrize(
    ("name", "similar"),
    [
        ("WAIJIAO_PROT", "WAIJIAO_PORT"),
        ("WAIJIAO_KEY_PER_MINUTES", "WAIJIAO_KEY_PER_MINUTE"),
        ("WAIJIAO_LLM_THREAD", "WAIJIAO_LLM_THREADS"),
        ("WAIJIAO_QQQQQQQQQQQQQQQQQQQQQQ", ""),
    ],
)
def test_a_variable_that_is_no_setting_is_found_with_the_one_that_is_most_like_it(name, similar):
    found = find_unknown_variables({name: "1", "WAIJIAO_HOME": "/data", "PATH": "/bin"})
    assert list(found) == [name]
    assert found[name] == similar


def test_settings_and_variables_of_others_are_not_found():
    assert find_unknown_variables({"WAIJIAO_PORT": "1", "WAIJIAO_KEYS": "true", "WAIJIAOS": "1", "HOME": "/root"}) == {}

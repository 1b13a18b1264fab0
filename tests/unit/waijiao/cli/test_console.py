"""How the command reports a setting that has a wrong value."""

import pytest
from pydantic import ValidationError

from pipeline.settings import Settings
from waijiao.cli.console import describe_setting_error


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("WAIJIAO_KEYS", "perhaps", "WAIJIAO_KEYS is 'perhaps'; it must be true or false."),
        ("WAIJIAO_PORT", "many", "WAIJIAO_PORT is 'many'; it must be a whole number."),
        ("WAIJIAO_SWEEP_S", "soon", "WAIJIAO_SWEEP_S is 'soon'; it must be a number."),
        ("WAIJIAO_LEASE_S", "-1", "WAIJIAO_LEASE_S is '-1'; it must be greater than or equal to 0."),
        ("WAIJIAO_HOST", "0.0.0.0", "WAIJIAO_HOST: listening on 0.0.0.0 would let anybody on the network"),
        ("WAIJIAO_CORS_ORIGINS", "school", "WAIJIAO_CORS_ORIGINS: 'school' is not an origin: write it like https://"),
    ],
)
def test_the_message_names_the_setting_and_what_it_may_be(monkeypatch, name, value, message):
    monkeypatch.setenv(name, value)
    with pytest.raises(ValidationError) as error:
        Settings()
    assert describe_setting_error(error.value).startswith(message)

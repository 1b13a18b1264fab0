"""The checks of access that need no Redis."""

import pytest
from pydantic import ValidationError

from api.auth import is_loopback
from pipeline.api_keys import Limits, check_fields
from pipeline.errors import ConfigurationError
from pipeline.settings import Settings
from waijiao.client import AsyncClient, Client


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.168.1.5", "school.example"])
def test_without_keys_only_a_loopback_address_is_accepted_and_the_error_says_why(host):
    with pytest.raises(ValidationError, match=r"WAIJIAO_KEYS=true.*waijiao key create"):
        Settings(host=host, keys=False)
    assert Settings(host=host, keys=True).host == host


@pytest.mark.parametrize("host", ["127.0.0.1", "::1", "localhost"])
def test_on_this_machine_no_key_is_needed(host):
    assert not Settings(host=host).keys


@pytest.mark.parametrize("text", ["*", "school.example", "https://school.example/", "https://*.example", "null"])
def test_an_invalid_origin_is_refused(text):
    with pytest.raises(ValidationError, match="origin"):
        Settings(cors_origins=f"https://good.example, {text}")


def test_origins_are_read_one_by_one():
    assert Settings(cors_origins="https://a.example, http://b:80").origins == ("https://a.example", "http://b:80")
    assert Settings().origins == ()


@pytest.mark.parametrize("host", ["", ":8000", "0.0.0.0", "128.0.0.1", "localhost.example", "[::ffff:8.8.8.8]", "[::"])
def test_a_host_of_another_machine_is_detected(host):
    assert not is_loopback(host)


@pytest.mark.parametrize("tenant", ["a", "north-1", "class_7b", "0" * 32])
def test_a_tenant_s_name_may_be_a_part_of_a_path(tenant):
    check_fields(tenant, "learner", "陈老师", Limits())


@pytest.mark.parametrize("kind", [Client, AsyncClient])
def test_a_client_s_key_is_not_shown_with_its_server(kind):
    client = kind("http://127.0.0.1:8000", "wj_secret")
    assert "secret" not in repr(client)
    assert "127.0.0.1" in repr(client)


@pytest.mark.parametrize("key", ["wj_secret\n", "wj_sécret", "wj_\x00"])
def test_a_malformed_key_is_refused_before_it_is_sent(key):
    with pytest.raises(ConfigurationError) as refused:
        Client("http://127.0.0.1:8000", key)
    assert "cret" not in str(refused.value)

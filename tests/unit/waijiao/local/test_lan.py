"""`waijiao up --lan`: which addresses and which certificate, and what people are told."""

import io
import re
import socket
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from types import SimpleNamespace

import psutil
import pytest
import segno
from click.testing import CliRunner

from pipeline.errors import ConfigurationError
from pipeline.settings import Settings
from waijiao.cli.main import main
from waijiao.local import certificate, lan, network
from waijiao.local.lan import Lan, draw_code, generated_file, set_up

HOME_NETWORK, SCHOOL_NETWORK = ip_address("192.168.1.20"), ip_address("10.0.0.7")


@pytest.fixture
def addresses(monkeypatch):
    """The addresses that this machine seems to have; a test changes them."""
    current = [HOME_NETWORK]
    monkeypatch.setattr(lan, "find_addresses", lambda version: [each for each in current if each.version == version])
    monkeypatch.setattr(lan, "find_names", lambda: ["localhost", "school-pc.local"])
    return current


def make_lan(tmp_path, **options) -> Lan:
    return set_up({"home": tmp_path, "keys": True, **options})


def describe(server: Lan, encoding: str = "utf-8") -> str:
    return server.describe(server.prepare(), io.TextIOWrapper(io.BytesIO(), encoding=encoding))


def own_certificate(tmp_path, names=(), addresses=(), now=None):
    path = tmp_path / "own.pem"
    path.write_bytes(certificate.make_certificate(names, addresses, now or datetime.now(UTC)))
    return path


def test_without_keys_it_refuses_and_says_what_to_do(tmp_path):
    with pytest.raises(ConfigurationError, match=r"WAIJIAO_KEYS=true waijiao up --lan.*waijiao key create"):
        set_up({"home": tmp_path, "keys": False})


def test_it_listens_on_every_ipv4_address_unless_a_host_was_chosen(tmp_path, monkeypatch):
    assert make_lan(tmp_path).settings.host == "0.0.0.0"
    assert make_lan(tmp_path, host="192.168.1.20").settings.host == "192.168.1.20"
    monkeypatch.setenv("WAIJIAO_HOST", "192.168.1.21")
    assert make_lan(tmp_path).settings.host == "192.168.1.21"


@pytest.mark.parametrize("host", ["127.0.0.1", "::1", "localhost", "school-pc", "fe80::1"])
def test_a_host_that_no_phone_can_open_is_refused(tmp_path, host):
    with pytest.raises(ConfigurationError, match=f"cannot listen on {host}.*--host"):
        make_lan(tmp_path, host=host).prepare()


def test_without_a_network_it_says_so(tmp_path, addresses):
    addresses.clear()
    with pytest.raises(ConfigurationError, match="in no network"):
        make_lan(tmp_path).prepare()


def test_the_certificate_is_for_all_addresses_and_private(tmp_path, addresses):
    addresses.append(SCHOOL_NETWORK)
    server = make_lan(tmp_path / "home")
    made = server.prepare()
    assert (made.addresses, made.names) == ((HOME_NETWORK, SCHOOL_NETWORK), ("localhost", "school-pc.local"))
    path = generated_file(server.settings)
    assert server.settings.tls_certificate == path
    assert [each.stat().st_mode & 0o777 for each in (path, path.parent, tmp_path / "home")] == [0o600, 0o700, 0o700]


def test_the_same_certificate_is_used_again_also_when_an_address_is_gone(tmp_path, addresses):
    addresses.append(SCHOOL_NETWORK)
    first = make_lan(tmp_path).prepare()
    addresses.pop()
    assert make_lan(tmp_path).prepare() == first


def test_a_new_address_or_a_near_end_or_a_damaged_file_makes_a_new_one(tmp_path, addresses):
    server = make_lan(tmp_path)
    first = server.prepare()
    addresses[:] = [SCHOOL_NETWORK]
    second = server.prepare()
    assert (first.addresses, second.addresses) == ((HOME_NETWORK,), (SCHOOL_NETWORK,))
    old = datetime.now(UTC) - timedelta(days=397 - 30)
    server.file.write_bytes(certificate.make_certificate(["localhost", "school-pc.local"], addresses, old))
    third = server.prepare()
    assert third.ends_at - datetime.now(UTC) > timedelta(days=390)
    server.file.write_text("damaged")
    assert server.prepare().fingerprint != third.fingerprint


def test_while_it_runs_a_new_address_is_announced_once(tmp_path, addresses):
    server, stream = make_lan(tmp_path), io.StringIO()
    server.prepare()
    server.keep_current(stream)
    assert not stream.getvalue(), "nothing has changed"
    addresses[:] = [SCHOOL_NETWORK]
    server.keep_current(stream)
    assert not stream.getvalue(), "it looked a moment ago"
    for _ in range(2):
        server.checked_at -= lan.CHECK_S
        server.keep_current(stream)
    assert stream.getvalue().count("https://10.0.0.7:8000/") == 1
    addresses.clear()
    server.checked_at -= lan.CHECK_S
    server.keep_current(stream)
    assert server.read_generated().addresses == (SCHOOL_NETWORK,), "without a network the certificate stays"


def test_a_certificate_that_cannot_be_written_is_said_and_the_old_one_stays(tmp_path, addresses, monkeypatch):
    server, stream = make_lan(tmp_path), io.StringIO()
    first = server.prepare()
    addresses[:] = [SCHOOL_NETWORK]

    def refuse(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(lan, "write_private", refuse)
    server.checked_at = -lan.CHECK_S
    server.keep_current(stream)
    assert "No space left on device" in stream.getvalue()
    assert server.read_generated() == first


def test_it_says_the_address_why_and_what_a_phone_asks_in_both_languages(tmp_path, addresses):
    addresses.append(SCHOOL_NETWORK)
    server = make_lan(tmp_path, port=8443)
    text = describe(server)
    assert text.splitlines()[0].endswith("https://192.168.1.20:8443/")
    assert "https://10.0.0.7:8443/" in text
    for part in ("microphone", "麦克风", "visit this website", "访问此网站", server.prepare().fingerprint):
        assert part in text
    assert "wj_" not in text


@pytest.mark.parametrize(
    ("port", "host", "url"),
    [
        (443, "192.168.1.20", "https://192.168.1.20/"),
        (8000, "fd00::2", "https://[fd00::2]:8000/"),
        (8000, "192.168.1.20", "https://192.168.1.20:8000/"),
    ],
)
def test_the_address_is_written_as_a_browser_takes_it(tmp_path, port, host, url):
    assert describe(make_lan(tmp_path, port=port, host=host)).splitlines()[0].endswith(f"  {url}")


def test_of_one_s_own_certificate_the_name_is_shown_and_no_warning(tmp_path, addresses):
    path = own_certificate(tmp_path, ["*.school.example", "talk.school.example"])
    text = describe(make_lan(tmp_path, tls_certificate=path))
    assert text.splitlines()[0].endswith("https://talk.school.example:8000/")
    assert "192.168.1.20" not in text, "phones would refuse it there"
    assert "warns once" not in text
    assert "microphone" in text


def test_one_s_own_certificate_is_never_replaced_and_its_near_end_is_said(tmp_path, addresses):
    path = own_certificate(tmp_path, ["a.example"], now=datetime.now(UTC) - timedelta(days=380))
    before = path.read_bytes()
    server = make_lan(tmp_path, tls_certificate=path)
    assert "renew it in time" in describe(server)
    server.checked_at = -lan.CHECK_S
    server.keep_current(io.StringIO())
    assert path.read_bytes() == before


@pytest.mark.parametrize("url", ["https://192.168.1.20:8000/", "https://[fd00:1234:5678:9abc::2]:8443/"])
def test_the_code_shows_the_address_module_by_module(url):
    drawing = draw_code(url, io.TextIOWrapper(io.BytesIO(), encoding="utf-8"))
    light = {"█": (True, True), "▀": (True, False), "▄": (False, True), " ": (False, False)}
    rows = [[light[each][half] for each in line] for line in drawing.splitlines() for half in (0, 1)]
    wanted = [[not module for module in row] for row in segno.make(url, error="m", micro=False).matrix_iter(border=2)]
    assert rows[: len(wanted)] == wanted


def test_a_terminal_that_has_no_such_characters_gets_no_code():
    assert draw_code("https://192.168.1.20:8000/", io.TextIOWrapper(io.BytesIO(), encoding="gb2312")) == ""


def test_in_a_terminal_the_code_is_dark_on_light_whatever_its_colours_are(monkeypatch):
    stream = io.TextIOWrapper(io.BytesIO(), encoding="utf-8")
    monkeypatch.setattr(stream, "isatty", lambda: True)
    assert all(re.fullmatch(r"\x1b\[97;40m[█▀▄ ]+\x1b\[0m", line) for line in draw_code("x", stream).splitlines())


def interfaces(monkeypatch, table: dict[str, list[str]], down: tuple[str, ...] = ()) -> None:
    """Let this machine seem to have these interfaces with these addresses."""

    def entry(text: str) -> SimpleNamespace:
        family = socket.AF_PACKET if text.count(":") == 5 else socket.AF_INET6 if ":" in text else socket.AF_INET
        return SimpleNamespace(family=family, address=text)

    monkeypatch.setattr(psutil, "net_if_addrs", lambda: {name: list(map(entry, each)) for name, each in table.items()})
    monkeypatch.setattr(
        psutil, "net_if_stats", lambda: {name: SimpleNamespace(isup=name not in down) for name in table}
    )


def test_the_likeliest_address_of_many_comes_first(monkeypatch):
    table = {
        "lo": ["127.0.0.1", "::1"],
        "docker0": ["172.17.0.1"],
        "br-12ab": ["172.18.0.1"],
        "eth0": ["02:fc:00:00:00:01", "10.0.0.5", "fd00::2", "fe80::1%eth0"],
        "eth1": ["169.254.3.4"],
        "wlan0": ["192.168.1.20"],
        "wlan1": ["192.168.9.9"],
    }
    interfaces(monkeypatch, table, down=("wlan1",))
    monkeypatch.setattr(network, "find_default_interface", lambda: "wlan0")
    assert list(map(str, network.find_addresses(4))) == ["192.168.1.20", "10.0.0.5", "169.254.3.4"]
    assert list(map(str, network.find_addresses(6))) == ["fd00::2"]


def test_the_default_interface_is_that_of_the_best_route(tmp_path):
    routes = tmp_path / "route"
    header = "Iface\tDestination\tGateway\tFlags\tRefCnt\tUse\tMetric\tMask\tMTU\tWindow\tIRTT\n"
    row = "{}\t{}\t0101A8C0\t0003\t0\t0\t{}\t{}\t0\t0\t0\n"
    lan_row = row.format("eth0", "0001A8C0", 100, "00FFFFFF")
    defaults = row.format("wlan0", "00000000", 600, "00000000") + row.format("eth0", "00000000", 100, "00000000")
    routes.write_text(header + lan_row + defaults)
    assert network.find_default_interface(routes) == "eth0"
    routes.write_text(header + lan_row)
    assert network.find_default_interface(routes) == ""
    assert network.find_default_interface(tmp_path / "none") == ""


@pytest.mark.parametrize(
    ("host_name", "names"),
    [
        ("School-PC", ["localhost", "school-pc.local"]),
        ("pc.school.example", ["localhost", "pc.local"]),
        ("教室电脑", ["localhost"]),
        ("a_b", ["localhost"]),
        ("", ["localhost"]),
    ],
)
def test_a_name_of_this_machine_that_a_certificate_can_have_is_in_it(monkeypatch, host_name, names):
    monkeypatch.setattr(socket, "gethostname", lambda: host_name)
    assert network.find_names() == names


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--certificate", "x.pem"], "are for --lan"),
        (["--key", "x.pem"], "are for --lan"),
        (["--lan", "--key", "x.pem"], "name that with --certificate"),
    ],
)
def test_options_that_do_not_fit_are_refused(arguments, message):
    refused = CliRunner().invoke(main, ["up", *arguments])
    assert refused.exit_code == 2
    assert message in refused.output


def test_a_key_without_a_certificate_is_a_wrong_setting(tmp_path):
    with pytest.raises(ValueError, match="WAIJIAO_TLS_CERTIFICATE"):
        Settings(home=tmp_path, tls_key=tmp_path / "x.key")

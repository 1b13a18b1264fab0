"""Secrets come as files, which `docker inspect` does not show: who reads them, and how deploy/prepare makes them."""

import subprocess
import sys
from pathlib import Path

import pytest

from pipeline.settings import Settings, readable_folder

ROOT = Path(__file__).resolve().parents[3]


def prepare(folder, profile="cpu"):
    return subprocess.run([ROOT / "deploy/prepare", profile, folder], check=False).returncode


@pytest.fixture
def secrets_folder(tmp_path):
    """The folder of secrets that deploy/prepare has made."""
    prepare(tmp_path)
    return tmp_path / "secrets"


@pytest.fixture(autouse=True)
def _no_variables(monkeypatch):
    for name in ("WAIJIAO_REDIS_URL", "WAIJIAO_LLM_KEY"):
        monkeypatch.delenv(name, raising=False)


def test_a_setting_is_read_from_its_file(tmp_path):
    (tmp_path / "waijiao_llm_key").write_text("sk-quiet\n", encoding="utf-8")

    assert Settings(_secrets_dir=readable_folder(tmp_path)).llm_key == "sk-quiet"


def test_a_variable_counts_more_than_a_file(tmp_path, monkeypatch):
    (tmp_path / "waijiao_llm_key").write_text("of the file", encoding="utf-8")
    monkeypatch.setenv("WAIJIAO_LLM_KEY", "of the variable")

    assert Settings(_secrets_dir=readable_folder(tmp_path)).llm_key == "of the variable"


def test_every_process_reads_the_folder_of_its_variable(tmp_path, monkeypatch):
    (tmp_path / "waijiao_redis_url").write_text("redis://:quiet@redis:6379/0", encoding="utf-8")
    monkeypatch.setenv("WAIJIAO_SECRETS", str(tmp_path))
    told = subprocess.run(
        [sys.executable, "-c", "from pipeline.settings import Settings; print(Settings().redis_url)"],
        capture_output=True,
        text=True,
        check=True,
    )

    assert told.stdout.strip() == "redis://:quiet@redis:6379/0"


def test_a_missing_folder_of_secrets_is_ignored(tmp_path):
    (tmp_path / "file").write_text("", encoding="utf-8")

    for folder in (tmp_path / "missing", tmp_path / "file"):
        assert readable_folder(folder) is None
        assert Settings(_secrets_dir=readable_folder(folder)).llm_key == ""


def test_other_files_in_the_folder_are_ignored(tmp_path):
    (tmp_path / "database_password").write_text("another's", encoding="utf-8")
    (tmp_path / "rhsm").mkdir()

    assert Settings(_secrets_dir=readable_folder(tmp_path)) == Settings()


def test_only_the_containers_may_read_the_secrets(secrets_folder):
    assert secrets_folder.stat().st_mode & 0o777 == 0o700
    for secret in secrets_folder.iterdir():
        assert secret.stat().st_mode & 0o777 == 0o644


def test_the_secrets_are_settings_with_a_new_password_each_time(secrets_folder, tmp_path):
    (tmp_path / "another").mkdir()
    prepare(tmp_path / "another")
    mine, others = (Settings(_secrets_dir=folder) for folder in (secrets_folder, tmp_path / "another/secrets"))

    assert mine.llm_key == ""
    assert len(mine.redis_url) == len("redis://:@redis:6379/0") + 64
    assert mine.redis_url != others.redis_url


def test_existing_secrets_are_not_changed(secrets_folder):
    (secrets_folder / "waijiao_llm_key").write_text("sk-mine", encoding="utf-8")
    before = (secrets_folder / "waijiao_redis_url").read_text(encoding="utf-8")
    prepare(secrets_folder.parent)

    assert (secrets_folder / "waijiao_llm_key").read_text(encoding="utf-8") == "sk-mine"
    assert (secrets_folder / "waijiao_redis_url").read_text(encoding="utf-8") == before


@pytest.mark.parametrize("profile", ["cpu", "gpu"])
def test_a_plain_up_starts_the_profile_that_was_named(tmp_path, profile):
    assert prepare(tmp_path, profile) == 0
    assert (tmp_path / ".env").read_text(encoding="utf-8") == f"COMPOSE_PROFILES={profile}\n"


def test_existing_settings_stay_and_get_the_profile(tmp_path):
    (tmp_path / ".env").write_text("WAIJIAO_RETENTION_H=24\n", encoding="utf-8")
    prepare(tmp_path, "gpu")
    prepare(tmp_path, "cpu")

    assert (tmp_path / ".env").read_text(encoding="utf-8") == "WAIJIAO_RETENTION_H=24\nCOMPOSE_PROFILES=gpu\n"


def test_a_profile_that_does_not_exist_makes_nothing(tmp_path):
    assert prepare(tmp_path, "tpu") == 2
    assert not list(tmp_path.iterdir())

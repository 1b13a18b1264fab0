"""Secrets come as files, which `docker inspect` does not show: who reads them, and how they are made."""

import subprocess
import sys
from pathlib import Path

import pytest

from pipeline.settings import Settings, folder_of_secrets

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def made(tmp_path):
    """A folder that deploy/make-secrets has made."""
    folder = tmp_path / "secrets"
    subprocess.run([ROOT / "deploy/make-secrets", folder], check=True)
    return folder


@pytest.fixture(autouse=True)
def _no_variables(monkeypatch):
    for name in ("WAIJIAO_REDIS_URL", "WAIJIAO_LLM_KEY"):
        monkeypatch.delenv(name, raising=False)


def test_a_setting_is_read_from_its_file(tmp_path):
    (tmp_path / "waijiao_llm_key").write_text("sk-quiet\n", encoding="utf-8")

    assert Settings(_secrets_dir=folder_of_secrets(tmp_path)).llm_key == "sk-quiet"


def test_a_variable_counts_more_than_a_file(tmp_path, monkeypatch):
    (tmp_path / "waijiao_llm_key").write_text("of the file", encoding="utf-8")
    monkeypatch.setenv("WAIJIAO_LLM_KEY", "of the variable")

    assert Settings(_secrets_dir=folder_of_secrets(tmp_path)).llm_key == "of the variable"


def test_every_process_looks_where_its_variable_says(tmp_path, monkeypatch):
    (tmp_path / "waijiao_redis_url").write_text("redis://:quiet@redis:6379/0", encoding="utf-8")
    monkeypatch.setenv("WAIJIAO_SECRETS", str(tmp_path))
    told = subprocess.run(
        [sys.executable, "-c", "from pipeline.settings import Settings; print(Settings().redis_url)"],
        capture_output=True,
        text=True,
        check=True,
    )

    assert told.stdout.strip() == "redis://:quiet@redis:6379/0"


def test_a_folder_that_is_missing_or_no_folder_is_passed_over_in_silence(tmp_path):
    (tmp_path / "file").write_text("", encoding="utf-8")

    for folder in (tmp_path / "missing", tmp_path / "file"):
        assert folder_of_secrets(folder) is None
        assert Settings(_secrets_dir=folder_of_secrets(folder)).llm_key == ""


def test_files_of_other_things_do_no_harm(tmp_path):
    (tmp_path / "database_password").write_text("another's", encoding="utf-8")
    (tmp_path / "rhsm").mkdir()

    assert Settings(_secrets_dir=folder_of_secrets(tmp_path)) == Settings()


def test_the_containers_may_read_what_was_made_and_nobody_else_on_the_host(made):
    assert made.stat().st_mode & 0o777 == 0o700
    for secret in made.iterdir():
        assert secret.stat().st_mode & 0o777 == 0o644


def test_what_was_made_are_settings_and_a_password_is_never_the_same(made, tmp_path):
    subprocess.run([ROOT / "deploy/make-secrets", tmp_path / "others"], check=True)
    mine, others = (Settings(_secrets_dir=folder) for folder in (made, tmp_path / "others"))

    assert mine.llm_key == ""
    assert len(mine.redis_url) == len("redis://:@redis:6379/0") + 64
    assert mine.redis_url != others.redis_url


def test_what_is_there_already_stays(made):
    (made / "waijiao_llm_key").write_text("sk-mine", encoding="utf-8")
    before = (made / "waijiao_redis_url").read_text(encoding="utf-8")
    subprocess.run([ROOT / "deploy/make-secrets", made], check=True)

    assert (made / "waijiao_llm_key").read_text(encoding="utf-8") == "sk-mine"
    assert (made / "waijiao_redis_url").read_text(encoding="utf-8") == before

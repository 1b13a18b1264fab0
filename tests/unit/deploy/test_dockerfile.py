"""The Dockerfile: small final stages that nothing was installed in, pinned bases, and all code that a wheel needs."""

import re
import tomllib
from fnmatch import fnmatch

import pytest

from deploy.dockerfile import ROOT, stages
from tests.support.compose import find_last, list_instructions, load_compose

WORKERS = ["asr", "llm", "tts", "maintenance", "segment", "asr_gpu", "llm_gpu", "tts_gpu"]
ROLES = ["models", "api", *(f"worker_{each}" for each in WORKERS)]
DIGEST = r"@sha256:[0-9a-f]{64}"

each_role = pytest.mark.parametrize("role", ROLES)


def words(stage, keyword):
    return [rest.split() for each, rest in list_instructions(stage) if each == keyword]


@each_role
def test_a_role_holds_an_environment_of_its_own_lock_which_was_checked_by_hashes(role):
    assert [f"--from={role}-packages", "/venv", "/venv"] in words(role, "COPY")
    (lock,) = (each for each in words(f"{role}-packages", "COPY") if each[0].startswith("deploy/locks/"))
    assert lock == [f"deploy/locks/{role}.lock", "./"]
    installed = [each for each in words(f"{role}-packages", "RUN") if each[:2] == ["pip", "install"]]
    assert [each[-1] for each in installed] == [f"{role}.lock", "./*.whl"]
    assert "--require-hashes" in installed[0]
    assert "--no-deps" in installed[1]


@each_role
def test_nothing_is_installed_where_it_runs(role):
    ran = " ".join(rest for keyword, rest in list_instructions(role) if keyword == "RUN")

    assert "pip" not in ran
    assert "venv" not in ran
    assert ("apt-get" in ran) == (role == "worker_llm")  # test_system_libraries.py says why


@each_role
def test_a_role_runs_as_a_user_without_rights_whose_number_the_compose_file_names(role):
    assert find_last(role, "USER") == load_compose()["services"]["api"]["user"] == "10001:10001"
    assert list_instructions(role)[-1][0] != "USER"


@pytest.mark.parametrize("role", ["worker_llm_gpu", "worker_tts_gpu"])
def test_torch_is_one_layer_that_both_images_share(role):
    assert stages()[role][0] == "torch"
    assert stages()["torch"][1] == [("COPY", "--from=torch-packages /torch /torch")]
    assert ["requirements-torch.txt", "./"] in words("torch-packages", "COPY")
    assert any(
        "/venv/lib/python3.11/site-packages/torch.pth" in rest for _, rest in list_instructions(f"{role}-packages")
    )


def test_no_other_role_holds_torch():
    holders = {role for role in ROLES if any("/torch" in rest for _, rest in list_instructions(role))}

    assert holders == {"worker_llm_gpu", "worker_tts_gpu"}


def test_base_images_are_pinned_by_tag_and_digest():
    bases = {parent for parent, _ in stages().values()} - set(stages())

    assert len(bases) == 1
    for base in bases | {load_compose()["services"]["redis"]["image"]}:
        assert re.fullmatch(rf"[a-z]+:\d+\.\d+\.\d+-[a-z-]+{DIGEST}", base)


def test_the_paths_that_name_a_python_name_the_one_of_the_base_image():
    versions = re.findall(r"python:?(3\.\d+)", (ROOT / "deploy/Dockerfile").read_text(encoding="utf-8"))

    assert set(versions) == {"3.11"}


def test_a_stage_is_defined_before_others_copy_from_it():
    names = list(stages())
    for number, name in enumerate(names):
        for source in re.findall(r"--from=(\S+)", " ".join(rest for _, rest in stages()[name][1])):
            assert source in names[:number]


def test_the_builder_is_sent_every_package_and_nothing_that_it_does_not_copy():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    copied = {
        word.rstrip("/")
        for _, instructions in stages().values()
        for keyword, rest in instructions
        if keyword == "COPY" and "--from=" not in rest
        for word in rest.split()[:-1]
    }
    sent = {
        line[1:] for line in (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines() if line.startswith("!")
    }

    patterns = project["tool"]["setuptools"]["packages"]["find"]["include"]
    packages = {path.parent.name for path in ROOT.glob("*/__init__.py")}
    assert {name for name in packages if any(fnmatch(name, pattern) for pattern in patterns)} <= copied
    assert {each if not each.startswith("deploy/locks/") else "deploy/locks" for each in copied} == sent
    assert all((ROOT / each).exists() for each in copied)

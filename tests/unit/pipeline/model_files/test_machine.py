"""What is found of a machine: its free memory and its cores, within the limits of a container."""

import os
import subprocess
import sys

import pytest

from pipeline.errors import ConfigurationError
from pipeline.gpu import devices
from pipeline.model_files import machine

GIB = 1 << 30


@pytest.fixture
def root(tmp_path):
    """A system with 8 GiB of free memory and no container."""
    (tmp_path / "proc").mkdir()
    (tmp_path / machine.CGROUP).mkdir(parents=True)
    lines = f"MemTotal:  {16 * GIB // 1024} kB\nMemFree:  1 kB\nMemAvailable:  {8 * GIB // 1024} kB\n"
    (tmp_path / machine.MEMORY_FILE).write_text(lines)
    return tmp_path


def limit(root, **files: str) -> None:
    for name, text in files.items():
        (root / machine.CGROUP / name.replace("_", ".", 1)).write_text(text + "\n")


def test_free_memory_is_what_programs_can_still_take(root):
    assert machine.free_memory(root) == 8 * GIB


@pytest.mark.parametrize(
    ("maximum", "current", "dropped", "free"),
    [
        ("max", 5 * GIB, 0, 8 * GIB),
        (str(6 * GIB), 2 * GIB, 0, 4 * GIB),
        (str(6 * GIB), 5 * GIB, 3 * GIB, 4 * GIB),
        (str(64 * GIB), 2 * GIB, 0, 8 * GIB),
        (str(GIB), 2 * GIB, 0, 0),
    ],
)
def test_a_container_s_limit_counts_without_the_pages_of_files_that_it_can_give_back(
    root, maximum, current, dropped, free
):
    statistics = f"anon 1\ninactive_file {dropped}\nactive_file 7"
    limit(root, memory_max=maximum, memory_current=str(current), memory_stat=statistics)
    assert machine.free_memory(root) == free


@pytest.mark.parametrize("text", ["", "MemTotal: 1 kB\n", "MemAvailable:\n", "MemAvailable: much kB\n"])
def test_a_system_that_does_not_tell_its_free_memory_is_an_error(root, text):
    (root / machine.MEMORY_FILE).write_text(text)
    with pytest.raises(ConfigurationError, match=r"meminfo does not say how much memory is free"):
        machine.free_memory(root)


@pytest.mark.parametrize(
    ("quota", "cores"), [("max 100000", 6), ("200000 100000", 2), ("50000 100000", 1), ("900000 100000", 6), ("", 6)]
)
def test_cores_are_those_that_this_process_may_use(root, monkeypatch, quota, cores):
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: {0, 1, 2, 3, 4, 5})
    if quota:
        limit(root, cpu_max=quota)
    assert machine.count_cores(root) == cores


def test_a_machine_has_the_gpus_that_nvidia_smi_lists(monkeypatch, tmp_path):
    monkeypatch.delenv(devices.VISIBLE_VARIABLE, raising=False)
    monkeypatch.setattr(devices, "run_nvidia_smi", lambda: "0, GPU-5b, NVIDIA L4, 23034, 22500\n")
    (gpu,) = machine.find_machine(tmp_path / "not" / "there").gpus
    assert (gpu.name, gpu.free) == ("NVIDIA L4", 22500 * devices.MIB)


def test_without_nvidia_smi_a_machine_has_no_gpu(monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))
    here = machine.find_machine(tmp_path)
    assert here.gpus == ()
    assert here.memory > 0
    assert here.cores > 0
    assert here.disk > 0


def test_looking_at_a_machine_loads_no_engine(tmp_path):
    program = (
        "import sys; from pathlib import Path; from pipeline.model_files import machine; "
        "machine.find_machine(Path.cwd()); print(*sys.modules)"
    )
    loaded = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout
    assert not {"torch", "transformers", "xllamacpp", "faster_whisper"} & set(loaded.split())

"""Which libraries of the system each role's environment needs: its image has no others."""

import os
import re
import subprocess
from importlib.metadata import distribution

import pytest

from deploy.dockerfile import ROOT
from tests.support.compose import list_instructions, read_pins

# What the image of Python has: glibc and the compiler's, and those of Python's own modules.
PYTHON_S = {"ld-linux-x86-64", "linux-vdso", "libc", "libdl", "libm", "libmvec", "libpthread", "librt", "libutil"} | {
    *("libgcc_s", "libstdc++", "libcrypto", "libffi", "libssl", "libz")
}
LINKED = re.compile(r"^\s*(\S+?)\.so\S*(?: => (not found|\S+))?", re.MULTILINE)


def system_libraries(role):
    """Names of the libraries outside its environment to which something in it is linked, by what is linked."""
    nothing_preloaded = {name: value for name, value in os.environ.items() if name != "LD_PRELOAD"}  # tests/dates does
    found = {}
    for name in read_pins(ROOT / f"deploy/locks/{role}.lock"):
        try:
            files = distribution(name).files or []
        except ModuleNotFoundError:  # of another system
            continue
        for file in files:
            if re.search(r"\.so(\.|$)", file.name):
                output = subprocess.run(
                    ["ldd", file.locate()], env=nothing_preloaded, capture_output=True, text=True, check=False
                ).stdout
                for library, place in LINKED.findall(output):
                    if "site-packages" not in place:
                        found.setdefault(library.rpartition("/")[2], set()).add(name)
    return {library: sorted(who) for library, who in found.items() if library not in PYTHON_S}


@pytest.mark.parametrize("role", ["api", "models", "worker_asr", "worker_tts", "worker_maintenance", "worker_segment"])
def test_a_role_needs_no_library_that_python_s_image_does_not_have(role):
    assert system_libraries(role) == {}


def test_llama_cpp_needs_one_which_its_image_installs():
    assert system_libraries("worker_llm") == {"libgomp": ["xllamacpp"]}
    assert any("install --yes --no-install-recommends libgomp1" in rest for _, rest in list_instructions("worker_llm"))

"""Which submitted files are recordings follows from their names, which are shown without harm."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.homework.filenames import UNNAMED, display_path, is_clutter, is_recording
from pipeline.text.characters import is_invisible


@pytest.mark.parametrize(
    "name",
    [
        "anna.wav",
        "ANNA.MP3",
        "a/b/王小明.m4a",
        "x.y.opus",
        "a.flac ",
        "voice.3gp",
        "clip.mov",
        "clip.webm",
        "a.oga",
        "a.aac",
        "a.aif",
        "a.aifc",
        "a.AIFF",
    ],
)
def test_a_recording_is_recognised_by_its_extension(name):
    assert is_recording(name)
    assert not is_clutter(name)


@pytest.mark.parametrize("name", ["notes.txt", "essay.docx", "class.zip", "wav", "anna", "anna.wav.exe", "", "x.wav/y"])
def test_a_file_with_another_extension_is_reported(name):
    assert not is_recording(name)
    assert not is_clutter(name)


@pytest.mark.parametrize(
    "name",
    [
        ".DS_Store",
        "a/.DS_Store",
        "__MACOSX/a/._anna.wav",
        "._anna.wav",
        ".hidden/anna.wav",
        "Thumbs.db",
        "a\\THUMBS.DB",
        "desktop.ini",
        "~$essay.docx",
        "$RECYCLE.BIN/x.wav",
        "@eaDir/anna.wav",
    ],
)
def test_files_of_operating_systems_are_ignored(name):
    assert is_clutter(name)
    assert not is_recording(name)


def test_a_path_that_leads_upwards_is_not_taken_for_a_hidden_file():
    assert not is_clutter("../anna.wav")
    assert is_recording("../anna.wav")


@given(st.text())
def test_a_displayed_path_is_short_and_leads_nowhere(path):
    shown = display_path(path)
    assert 0 < len(shown) <= 300
    assert not shown.startswith("/")
    assert not {"", ".", ".."} & set(shown.split("/")[1:])
    assert not any(map(is_invisible, shown))


def test_a_name_without_printable_characters_is_shown_too():
    assert display_path("../\x00/..") == UNNAMED

"""Capabilities that pages offer: everything listed is accepted by the server."""

import logging

import pytest

from api import create_app
from pipeline.settings import Settings


@pytest.fixture
def server_with_teachers(redis, settings, tmp_path):
    """A server whose teachers a test can edit, and their folder."""
    folder = tmp_path / "personas"
    folder.mkdir()
    for file in Settings().personas.glob("*.toml"):
        folder.joinpath(file.name).write_bytes(file.read_bytes())
    return create_app(settings.model_copy(update={"personas": folder})).test_client(), folder


def read_capabilities(client) -> dict:
    answer = client.get("/v1/capabilities")
    assert answer.status_code == 200, answer.text
    return answer.json


def test_everything_that_is_offered_is_accepted(redis, settings):
    client = create_app(settings).test_client()
    offered = read_capabilities(client)
    speeds, personas = offered["speed"].values(), [persona["name"] for persona in offered["personas"]]
    asked = [{"persona": persona} for persona in [*personas, offered["persona"]]]
    asked += [{"voice": voice} for voice in offered["voices"]]
    asked += [{"format": format_} for format_ in offered["formats"]] + [{"speed": speed} for speed in speeds]
    for fields in [*asked, {"text": "x" * offered["limits"]["text_chars"]}]:
        assert client.post("/v1/jobs", json={"text": "hi", **fields}).status_code == 202, fields


def test_teachers_are_listed_with_their_names_and_languages(redis, settings):
    teachers = {
        teacher["name"]: teacher for teacher in read_capabilities(create_app(settings).test_client())["personas"]
    }
    assert set(teachers) == {"emma", "william"}
    assert teachers["emma"]["display"] == {"en": "Emma", "zh": "幼儿英语老师艾玛"}
    assert teachers["emma"]["languages"] == ["en", "zh"]
    assert teachers["emma"]["greeting"].startswith("Hello, dear!")
    assert "prompt" not in teachers["emma"]


def test_limits_and_retention_are_the_settings(redis, settings):
    options = {"max_upload_mb": 3, "max_recording_s": 60, "max_text_chars": 500, "retention_h": 5, "persona": "emma"}
    options |= {"max_lesson_mb": 7, "max_hand_in_mb": 9, "max_hand_in_files": 4}
    offered = read_capabilities(
        create_app(settings.model_copy(update={**options, "keep_recordings": True})).test_client()
    )
    assert offered["limits"] == {
        "upload_mb": 3,
        "recording_s": 60,
        "text_chars": 500,
        "lesson_mb": 7,
        "hand_in_mb": 9,
        "hand_in_files": 4,
    }
    assert (offered["retention_h"], offered["persona"], offered["keeps_recordings"]) == (5, "emma", True)


def test_a_custom_speech_model_offers_the_default_voice(redis, settings):
    assert read_capabilities(create_app(settings.model_copy(update={"tts_model": "my.onnx"})).test_client())[
        "voices"
    ] == ["default"]


def test_bark_s_voices_are_offered_and_known_by_suno_s_names_too(redis, settings):
    client = create_app(settings.model_copy(update={"tts_engine": "bark", "tts_model": "my-bark"})).test_client()
    offered = read_capabilities(client)["voices"]
    assert len(offered) == 131
    assert offered[:2] == ["default", "en_speaker_0"]
    for voice in ("zh_speaker_8", "v2/zh_speaker_8"):
        accepted = client.post("/v1/jobs", json={"text": "hi", "voice": voice})
        assert accepted.status_code == 202, accepted.text
    for voice in ("heart", "v2/nobody", "../v2/en_speaker_6"):
        assert client.post("/v1/jobs", json={"text": "hi", "voice": voice}).json["code"] == "unknown_voice"


def test_bark_with_custom_voices_offers_the_default_one(redis, settings):
    own = {"tts_engine": "bark", "tts_voices": "my-voices"}
    assert read_capabilities(create_app(settings.model_copy(update=own)).test_client())["voices"] == ["default"]


@pytest.mark.parametrize("content", [b"about = ", b"\xff\xfe", b'about = "no prompt"', None])
def test_a_teacher_whose_file_cannot_be_used_is_left_out_and_the_log_says_why(server_with_teachers, caplog, content):
    client, folder = server_with_teachers
    broken = folder / "zoe.toml"
    if content is None:
        broken.symlink_to(folder / "nowhere")
    else:
        broken.write_bytes(content)
    with caplog.at_level(logging.WARNING, "waijiao"):
        assert [teacher["name"] for teacher in read_capabilities(client)["personas"]] == ["emma", "william"]
    assert "zoe" in caplog.text


def test_a_new_teacher_is_offered_at_once(server_with_teachers):
    client, folder = server_with_teachers
    folder.joinpath("zoe.toml").write_bytes(folder.joinpath("emma.toml").read_bytes())
    assert [teacher["name"] for teacher in read_capabilities(client)["personas"]] == ["emma", "william", "zoe"]


def test_the_voices_for_chinese_are_offered_where_there_are_some(redis, settings):
    without = read_capabilities(create_app(settings).test_client())["voices"]
    chosen = settings.model_copy(update={"tts_chinese": "kokoro"})
    assert not any(voice.startswith("z") for voice in without)
    with_chinese = read_capabilities(create_app(chosen).test_client())["voices"]
    assert with_chinese[: len(without)] == without
    assert {"zf_xiaobei", "zm_yunxi"} < set(with_chinese)
    assert with_chinese.count("default") == 1

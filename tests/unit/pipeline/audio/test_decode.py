"""Recordings of phones and browsers are decoded; other uploads are refused without harm."""

import io
import struct
import tracemalloc

import av
import numpy as np
import pytest
import soundfile
from av.stream import Disposition
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.audio.decode import Waveform, decode, resample
from pipeline.audio.encode import encode
from pipeline.audio.formats import FORMATS, content_type, sniff
from pipeline.errors import BadAudio, NotAudio, TooLong, UnknownFormat, WaijiaoError
from tests.support.recordings import (
    FILE_FORMATS,
    encode_recording,
    load_clear_speaker,
    make_hour_of_silence,
    make_video,
    make_wav,
    make_wav_claiming_4_gib,
)

LONGEST_S = 300


def decode_bytes(data: bytes, longest_s: float = LONGEST_S) -> Waveform:
    return decode(io.BytesIO(data), longest_s)


def encode_and_decode(sound: Waveform, format: str) -> Waveform:
    """The sound, written in the format and read again; pcm has no header that would say what it is."""
    data = encode(sound, format)
    return decode_bytes(make_wav(np.frombuffer(data, "<i2"), rate=24_000) if format == "pcm" else data)


def measure_likeness(heard: Waveform, said: Waveform) -> float:
    """The correlation of the two sounds' loudness, 100 times a second: 1 for the same speech.

    `heard` may be up to 0.1 s late: some encoders put silence in front, and not every format says how much.
    """
    late, true = measure_loudness(heard), measure_loudness(said)
    length = min(len(late), len(true)) - 10
    return max(float(np.corrcoef(late[lag : lag + length], true[:length])[0, 1]) for lag in range(11))


def measure_loudness(sound: Waveform) -> np.ndarray:
    samples = resample(sound, 16_000).samples
    return np.sqrt(np.square(samples[: len(samples) // 160 * 160].reshape(-1, 160)).mean(axis=1))


@pytest.mark.parametrize("form", FILE_FORMATS)
def test_every_form_of_a_recording_decodes_to_the_same_speech(form):
    said = load_clear_speaker()
    waveform = decode_bytes(encode_recording(said, *FILE_FORMATS[form]))
    assert waveform.rate == 16_000
    assert waveform.samples.dtype == np.float32
    assert waveform.samples.ndim == 1
    assert abs(waveform.duration_s - said.duration_s) < 0.13  # AAC pads to whole frames, of 1,024 samples each
    assert measure_likeness(waveform, said) > 0.95
    assert np.abs(waveform.samples).max() == pytest.approx(np.abs(said.samples).max(), rel=0.25)


@pytest.mark.parametrize(
    "form",
    [("mp4", "libx264", "aac"), ("mov", "mpeg4", "aac"), ("webm", "libvpx", "libopus"), ("matroska", "libx264", "aac")],
)
def test_the_sound_of_a_video_is_decoded_and_its_picture_is_not(form):
    waveform = decode_bytes(make_video(*form))
    assert abs(waveform.duration_s - load_clear_speaker().duration_s) < 0.1
    assert measure_likeness(waveform, load_clear_speaker()) > 0.95


def test_ogg_vorbis_decodes():
    file = io.BytesIO()
    soundfile.write(file, load_clear_speaker().samples, 16_000, format="OGG", subtype="VORBIS")
    assert measure_likeness(decode_bytes(file.getvalue()), load_clear_speaker()) > 0.95


def test_tags_in_another_encoding_than_utf_8_do_no_harm():
    title = "我的录音".encode("gbk")
    tag = b"TIT2" + struct.pack(">IH", len(title) + 1, 0) + b"\x03" + title
    id3 = b"ID3\x03\0\0" + bytes([0, 0, 0, len(tag)]) + tag
    mp3 = encode_recording(load_clear_speaker(), *FILE_FORMATS["mp3"])
    assert mp3[:3] == b"ID3"
    waveform = decode_bytes(id3 + mp3[10 + mp3[9] :])
    assert measure_likeness(waveform, load_clear_speaker()) > 0.95


@pytest.mark.parametrize("form", ["wav 16 bit", "mp3", "aac", "ogg opus", "webm", "flac"])
def test_a_truncated_recording_is_used_as_far_as_it_goes(form):
    whole = encode_recording(load_clear_speaker(), *FILE_FORMATS[form])
    waveform = decode_bytes(whole[: len(whole) * 6 // 10])
    assert 0.3 * load_clear_speaker().duration_s < waveform.duration_s < 0.8 * load_clear_speaker().duration_s
    assert measure_likeness(waveform, load_clear_speaker()) > 0.9


def test_a_truncated_m4a_has_lost_its_index_and_is_bad():
    whole = encode_recording(load_clear_speaker(), *FILE_FORMATS["m4a"])
    with pytest.raises(BadAudio, match="cannot be read"):
        decode_bytes(whole[: len(whole) // 2])


def test_damage_in_the_middle_loses_only_the_middle():
    whole = bytearray(encode_recording(load_clear_speaker(), *FILE_FORMATS["mp3"]))
    middle = len(whole) // 2
    whole[middle : middle + 500] = bytes(500)
    assert abs(decode_bytes(bytes(whole)).duration_s - load_clear_speaker().duration_s) < 0.3


@pytest.mark.parametrize("data", [b"", bytes(10_000), b"Hello" * 1_000], ids=["empty", "zeros", "text"])
def test_a_file_that_is_not_audio_is_refused(data):
    with pytest.raises(NotAudio):
        decode_bytes(data)


@pytest.mark.parametrize("text", ["ffconcat version 1.0\nfile neighbour.wav\n", "#EXTM3U\nneighbour.wav\n"])
def test_a_playlist_named_wav_reads_no_neighbour(tmp_path, monkeypatch, text):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "neighbour.wav").write_bytes(make_wav(load_clear_speaker().samples))
    (tmp_path / "recording.wav").write_text(text)
    with (tmp_path / "recording.wav").open("rb") as file, pytest.raises(NotAudio):
        decode(file, LONGEST_S)


def test_random_bytes_behind_a_header_are_bad():
    noise = np.random.default_rng(0).bytes(50_000)
    for head in (b"OggS\0\2", b"fLaC\0\0\0\x22", b"\0\0\0\x1cftypM4A ", b"\x1a\x45\xdf\xa3\x9fB\x82\x84webm"):
        with pytest.raises(BadAudio):
            decode_bytes(head + noise)


def test_a_recording_without_samples_is_bad():
    for count in (0, 1, 1_599):
        with pytest.raises(BadAudio, match=r"Less than 0\.1 seconds"):
            decode_bytes(make_wav(np.zeros(count)))
    assert decode_bytes(make_wav(np.zeros(1_600))).duration_s == 0.1


@pytest.mark.parametrize("number", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("subtype", ["FLOAT", "DOUBLE"])
def test_samples_that_are_not_numbers_are_bad(number, subtype):
    samples = load_clear_speaker().samples.copy()
    samples[20_000] = number
    with pytest.raises(BadAudio, match="not numbers"):
        decode_bytes(make_wav(samples, subtype, rate=44_100))


def test_samples_beyond_full_scale_are_clipped():
    waveform = decode_bytes(make_wav(load_clear_speaker().samples * 1e30, "DOUBLE", rate=44_100))
    assert np.isfinite(waveform.samples).all()
    assert np.abs(waveform.samples).max() == 1


def test_the_length_in_a_header_is_not_trusted():
    assert decode_bytes(make_wav_claiming_4_gib(1_600)).duration_s == 0.1


def test_a_video_without_sound_is_bad():
    file = io.BytesIO()
    with av.open(file, "w", format="mp4") as output:
        stream = output.add_stream("mpeg4", rate=10, width=64, height=64, pix_fmt="yuv420p")
        for _ in range(5):
            output.mux(stream.encode(av.VideoFrame(64, 64, "yuv420p")))
        output.mux(stream.encode(None))
    with pytest.raises(BadAudio, match="no sound"):
        decode_bytes(file.getvalue())


def test_a_codec_that_nobody_records_in_is_not_decoded():
    with pytest.raises(BadAudio, match="Record as AAC"):
        decode_bytes(encode_recording(load_clear_speaker(), "matroska", "ac3", 48_000, "mono"))


@pytest.mark.parametrize(
    "channels",
    [
        pytest.param(lambda speech, noise: [speech, -speech], id="opposite"),
        pytest.param(lambda speech, noise: [0.5 * speech, -0.5 * speech], id="quiet and opposite"),
        pytest.param(lambda speech, noise: [speech + noise, noise[::-1] - speech], id="opposite with noise"),
        pytest.param(lambda speech, noise: [speech, -speech, noise, noise], id="opposite pair of four"),
        pytest.param(lambda speech, noise: [speech, speech], id="alike"),
        pytest.param(lambda speech, noise: [speech, 0 * speech], id="one silent"),
        pytest.param(lambda speech, noise: [speech, 0.9 * speech], id="one a little quieter"),
    ],
)
def test_no_wiring_of_the_channels_loses_the_speech(channels):
    said = load_clear_speaker()
    noise = np.random.default_rng(1).normal(0, 0.0005, len(said.samples)).astype(np.float32)
    file = io.BytesIO()
    soundfile.write(file, np.stack(channels(0.9 * said.samples, noise), axis=1), said.rate, format="WAV")
    waveform = decode_bytes(file.getvalue())
    assert measure_likeness(waveform, said) > 0.95
    assert np.abs(waveform.samples).max() > 0.15 * np.abs(said.samples).max()


def test_channels_that_are_opposite_in_a_part_only_lose_nothing():
    said = load_clear_speaker()
    half = len(said.samples) // 2
    other = np.concatenate([said.samples[:half], -said.samples[half:]])
    file = io.BytesIO()
    soundfile.write(file, np.stack([said.samples, other], axis=1), said.rate, format="WAV")
    assert measure_likeness(decode_bytes(file.getvalue()), said) > 0.9


VOICE_RECORDERS = {
    "wav adpcm": ("wav", "adpcm_ms", 16_000, "mono"),
    "wav ima adpcm": ("wav", "adpcm_ima_wav", 16_000, "mono"),
    "wav yamaha adpcm": ("wav", "adpcm_yamaha", 16_000, "mono"),
    "w64": ("w64", "pcm_s16le", 16_000, "mono"),
    "aiff": ("aiff", "pcm_s16be", 44_100, "stereo"),
    "aiff 24 bit": ("aiff", "pcm_s24be", 44_100, "mono"),
    "aifc telephone": ("aiff", "pcm_mulaw", 8_000, "mono"),
    "caf": ("caf", "pcm_s16be", 44_100, "mono"),
    "caf of a Mac": ("caf", "pcm_s16le", 44_100, "mono"),
    "caf lossless": ("caf", "alac", 44_100, "mono"),
    "caf adpcm": ("caf", "adpcm_ima_qt", 44_100, "mono"),
    "au": ("au", "pcm_s16be", 16_000, "mono"),
    "mov big-endian": ("mov", "pcm_s16be", 44_100, "mono"),
    "amr": ("amr", "libopencore_amrnb", 8_000, "mono"),
}  # name -> container, codec, Hz, channels


@pytest.mark.parametrize("form", VOICE_RECORDERS)
def test_the_forms_of_voice_recorders_decode_to_the_same_speech(form):
    said = load_clear_speaker()
    assert measure_likeness(decode_bytes(encode_recording(said, *VOICE_RECORDERS[form])), said) > 0.85


# Bits per second of AMR's modes, and the bytes of a frame of 20 ms (3GPP TS 26.101, table 1; RFC 4867, 5.3).
AMR_MODES = {4_750: 13, 5_150: 14, 5_900: 16, 6_700: 18, 7_400: 20, 7_950: 21, 10_200: 27, 12_200: 32}


@pytest.mark.parametrize("container", ["amr", "3gp"])
@pytest.mark.parametrize("bits_per_second", AMR_MODES)
def test_amr_of_every_rate_decodes_to_the_same_speech(bits_per_second, container):
    said = load_clear_speaker()
    data = encode_recording(said, container, "libopencore_amrnb", 8_000, "mono", bits_per_second)
    if container == "amr":
        frame_count = said.duration_s / 0.02
        assert len(data) == pytest.approx(AMR_MODES[bits_per_second] * frame_count, rel=0.02)
    assert measure_likeness(decode_bytes(data), said) > 0.85


@pytest.mark.parametrize(
    "form",
    [
        {"format": "WAV", "subtype": "GSM610"},
        {"format": "WAV", "subtype": "PCM_16", "endian": "BIG"},
        {"format": "WAV", "subtype": "PCM_24", "endian": "BIG"},
        {"format": "AIFF", "subtype": "GSM610"},
    ],
    ids=str,
)
def test_what_another_library_writes_decodes_to_the_same_speech(form):
    said, file = resample(load_clear_speaker(), 8_000), io.BytesIO()
    soundfile.write(file, said.samples, said.rate, **form)
    assert measure_likeness(decode_bytes(file.getvalue()), said) > 0.85


@pytest.mark.parametrize("box", [b"wide", b"free", b"skip", b"mdat"])
@pytest.mark.parametrize("form", ["m4a", "mov"])
def test_a_mov_without_its_first_box_decodes(form, box):
    said = load_clear_speaker()
    data = encode_recording(said, *FILE_FORMATS[form])
    assert data[4:8] == b"ftyp"
    assert measure_likeness(decode_bytes(data[:4] + box + data[8:]), said) > 0.9


@pytest.mark.parametrize("seconds", [1, 30, 2_000])
def test_a_long_recording_is_refused_with_what_to_do(seconds):
    recording = Waveform(np.zeros((seconds + 1) * 8_000, np.float32), 8_000)
    with pytest.raises(TooLong, match=rf"longer than {seconds} seconds.*`waijiao lesson`"):
        decode(io.BytesIO(encode_recording(recording, "wav", "pcm_mulaw", 8_000, "mono")), max_s=seconds)


def make_tag(length: int, stated: bytes | None = None) -> bytes:
    """An ID3v2 tag of so many bytes, whose header states this or another length in four bytes."""
    size = length - 10
    seven_bits = bytes(size >> shift & 127 for shift in (21, 14, 7, 0))
    picture = np.random.default_rng(length).integers(1, 255, size, np.uint8).tobytes()  # as of a cover
    return b"ID3\x03\0\0" + (seven_bits if stated is None else stated) + picture


STARTS = {
    "a small tag": make_tag(300),
    **{f"a tag of {length} bytes": make_tag(length) for length in (8_000, 8_180, 8_188, 8_191, 8_192, 8_200, 200_000)},
    "two tags": make_tag(500) + make_tag(9_000),
    "four tags": make_tag(100) * 4,
    "a length written with eight bits": make_tag(30_000, (30_000 - 10).to_bytes(4, "big")),
    "a length that is too small": make_tag(5_000, bytes([0, 0, 1, 0])),
    "a length of zero": make_tag(5_000, bytes(4)),
    "a length that is too large": make_tag(5_000, bytes([0, 0, 120, 0])),
    "a length beyond the end": make_tag(5_000, bytes([127, 127, 127, 127])),
    "zeros": bytes(1_000),
    "many zeros": bytes(100_000),
    "zeros after a tag": make_tag(9_000) + bytes(3_000),
    "junk": np.random.default_rng(1).integers(0, 256, 3_000, np.uint8).tobytes(),
}


@pytest.mark.parametrize("start", STARTS)
@pytest.mark.parametrize("form", ["mp3", "mp3 low", "aac", "flac", "ogg opus"])
def test_tags_and_junk_before_the_sound_do_no_harm(form, start):
    said = load_clear_speaker()
    assert measure_likeness(decode_bytes(STARTS[start] + encode_recording(said, *FILE_FORMATS[form])), said) > 0.9


@pytest.mark.parametrize("cut", [1, 50, 333, 1_500])
@pytest.mark.parametrize("form", ["mp3", "mp3 low", "aac", "aac stereo"])
def test_a_recording_may_begin_within_a_frame(form, cut):
    said = load_clear_speaker()
    data = encode_recording(said, *FILE_FORMATS[form])
    frame_s = (1_000 + cut) * said.duration_s / len(data)
    waveform = decode_bytes(data[1_000 + cut :])
    rest = Waveform(said.samples[int(frame_s * said.rate) :], said.rate)
    assert abs(waveform.duration_s - rest.duration_s) < 0.5


def speaks(waveform: Waveform) -> bool:
    """Whether the waveform is the learner's: noise is as loud in each part."""
    loudness = measure_loudness(waveform)
    return float(loudness.std()) > 0.5 * float(loudness.mean())


@pytest.mark.parametrize("format", ["matroska", "mp4", "mov"])
@pytest.mark.parametrize(
    ("kinds", "default"),
    [(["noise", "speech"], None), (["noise", "speech"], 0), (["noise", "silent", "noise", "speech"], 2)],
    ids=str,
)
def test_a_track_in_which_nobody_speaks_comes_after_one_in_which_somebody_does(format, kinds, default):
    waveform = decode(io.BytesIO(make_tracks(format, kinds, default)), LONGEST_S, has_speech=speaks)
    assert measure_likeness(waveform, load_clear_speaker()) > 0.9


def test_where_nobody_speaks_the_first_track_that_is_not_silent_is_decoded():
    noisy = decode(io.BytesIO(make_tracks("mp4", ["silent", "noise"])), LONGEST_S, has_speech=lambda _: False)
    assert np.abs(noisy.samples).max() > 0.1


SILENT, UNKNOWN, SPOKEN, MUSIC = "silent", "unknown codec", "speech", "noise"


def make_tracks(format: str, kinds: list[str], default: int | None = None) -> bytes:
    """A file with several audio tracks: speech as AAC, noise, silence, or noise in a codec that is not decoded."""
    said, file = load_clear_speaker(), io.BytesIO()
    noise = np.random.default_rng(1).normal(0, 0.1, len(said.samples)).astype(np.float32)
    sounds = {SILENT: 0 * noise, UNKNOWN: noise, SPOKEN: said.samples, MUSIC: noise}
    with av.open(file, "w", format=format) as container:
        codecs = ["ac3" if kind == UNKNOWN else "aac" for kind in kinds]
        streams = [container.add_stream(codec, rate=48_000, layout="mono") for codec in codecs]
        for number, stream in enumerate(streams):
            stream.disposition = Disposition.default if number == default else Disposition(0)
        for stream, kind in zip(streams, kinds, strict=True):
            samples = resample(Waveform(sounds[kind], said.rate), 48_000).samples
            frame = av.AudioFrame.from_ndarray(samples[np.newaxis], "fltp", "mono")
            frame.sample_rate = 48_000
            for piece in (*av.AudioResampler("fltp", "mono", 48_000, 1024).resample(frame), None):
                container.mux(stream.encode(piece))
    return file.getvalue()


@pytest.mark.parametrize("format", ["matroska", "mp4", "mov"])
@pytest.mark.parametrize(
    ("kinds", "default"),
    [
        pytest.param([SILENT, SPOKEN], None, id="a silent desktop before the microphone"),
        pytest.param([SILENT, SPOKEN], 0, id="the silent one is the default"),
        pytest.param([UNKNOWN, SPOKEN], 0, id="a codec that is not decoded before one that is"),
        pytest.param([MUSIC, SPOKEN], 1, id="the second is the default"),
        pytest.param([SILENT, SILENT, UNKNOWN, SPOKEN], 0, id="the last of four"),
        pytest.param([SPOKEN, MUSIC], None, id="the first of two"),
    ],
)
def test_the_track_in_which_somebody_speaks_is_decoded(format, kinds, default):
    waveform = decode_bytes(make_tracks(format, kinds, default))
    assert measure_likeness(waveform, load_clear_speaker()) > 0.9


def test_a_file_whose_tracks_are_all_silent_is_decoded():
    assert np.abs(decode_bytes(make_tracks("mp4", [SILENT, SILENT])).samples).max() < 0.01


def test_a_recording_with_too_many_channels_is_refused():
    with pytest.raises(BadAudio, match="16 channels"):
        decode_bytes(make_wav(np.zeros((16_000, 16))))


def test_an_hour_of_silence_stops_at_the_limit_and_in_little_memory():
    hour = make_hour_of_silence()
    assert len(hour) < 1_300_000
    tracemalloc.start()
    with pytest.raises(TooLong, match="longer than 60 seconds"):
        decode_bytes(hour, longest_s=60)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 8_000_000  # 60 s are 3.84 MB, an hour is 230 MB


def test_a_recording_of_exactly_the_limit_is_accepted():
    assert decode_bytes(make_wav(np.zeros(32_000)), longest_s=2).duration_s == 2
    with pytest.raises(TooLong):
        decode_bytes(make_wav(np.zeros(32_001)), longest_s=2)


def test_a_file_of_countless_tiny_packets_is_given_up(monkeypatch):
    monkeypatch.setattr("pipeline.audio.decode.PACKETS_PER_S", 10)
    with pytest.raises(BadAudio, match="more packets"):
        decode_bytes(encode_recording(load_clear_speaker(), *FILE_FORMATS["ogg opus"]), longest_s=10)


def test_ffmpeg_says_nothing_on_stderr(capfd):
    whole = encode_recording(load_clear_speaker(), *FILE_FORMATS["mp3"])
    capfd.readouterr()
    decode_bytes(whole[:2_000] + b"\xff" * 500 + whole[2_500:])
    with pytest.raises(BadAudio):
        decode_bytes(b"\0\0\0\x1cftypM4A " + bytes(500))
    assert capfd.readouterr() == ("", "")


DAMAGED = {
    name: encode_recording(load_clear_speaker(), *FILE_FORMATS[name])
    for name in ("wav float", "mp3", "m4a", "webm", "ogg opus")
}


@settings(max_examples=150, deadline=None, database=None, derandomize=True)
@given(
    st.sampled_from(sorted(DAMAGED)),
    st.lists(st.tuples(st.integers(0, 999), st.binary(max_size=40)), max_size=4),
)
def test_a_damaged_file_gives_a_sound_or_one_of_our_errors(name, damage):
    data = bytearray(DAMAGED[name])
    for place, new in damage:
        data[place : place + len(new)] = new
    try:
        waveform = decode_bytes(bytes(data), longest_s=20)
    except WaijiaoError:
        return
    assert np.isfinite(waveform.samples).all()
    assert 0.1 <= waveform.duration_s <= 20


@pytest.mark.parametrize("format", FORMATS)
@pytest.mark.parametrize("rate", [16_000, 22_050, 24_000, 48_000])
def test_an_answer_decodes_back_to_itself(format, rate):
    said = resample(load_clear_speaker(), rate)
    waveform = encode_and_decode(said, format)
    assert abs(waveform.duration_s - said.duration_s) < 0.13  # AAC pads to whole frames, of 1,024 samples each
    assert measure_likeness(waveform, load_clear_speaker()) > 0.95


def test_a_wav_answer_has_16_bits_at_the_voice_s_own_rate():
    info = soundfile.info(io.BytesIO(encode(Waveform(np.zeros(24_000, np.float32), 24_000), "wav")))
    assert (info.subtype, info.samplerate, info.channels, info.frames) == ("PCM_16", 24_000, 1, 24_000)


@pytest.mark.parametrize("format", FORMATS)
def test_full_scale_is_clipped_and_does_not_wrap(format):
    loud = Waveform(np.full(24_000, 1.5, np.float32) * np.sin(np.arange(24_000) / 20).astype(np.float32), 24_000)
    waveform = resample(encode_and_decode(loud, format), 24_000).samples
    late = 1024 if format == "aac" else 0  # ADTS cannot say that its first frame is silence
    assert np.corrcoef(waveform[late : late + 20_000], loud.samples[:20_000])[0, 1] > 0.9


@pytest.mark.parametrize("rate", [16_000, 24_000, 48_000])
def test_a_pcm_answer_is_bare_16_bit_samples_at_24_khz(rate):
    ramp = Waveform(np.linspace(-1, 0.999, rate, dtype=np.float32), rate)
    samples = np.frombuffer(encode(ramp, "pcm"), "<i2")
    assert len(samples) == pytest.approx(24_000, abs=1)
    assert samples[100:-100:1000].tolist() == pytest.approx(np.linspace(-32768, 32735, 24_000)[100:-100:1000], abs=60)


def test_an_aac_answer_is_made_of_frames_each_with_a_header():
    data = encode(load_clear_speaker(), "aac")
    assert sniff(io.BytesIO(data)).demuxer == "aac"
    assert content_type("aac") == "audio/aac"


def test_an_answer_in_an_unknown_format_names_the_known_ones():
    with pytest.raises(UnknownFormat, match="expected one of wav, mp3"):
        encode(load_clear_speaker(), "wma")

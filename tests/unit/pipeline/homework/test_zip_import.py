"""Untrusted ZIP files: good files are extracted, others are refused by name, and nothing else happens."""

import io
import os
import stat
import struct
import tarfile
import tracemalloc
import zlib
from collections.abc import Iterable
from zipfile import ZIP_BZIP2, ZIP_DEFLATED, ZIP_LZMA, ZIP_STORED, ZipFile, ZipInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.errors import BadArchive, EmptyArchive, NotAudio, TooManyFiles, WaijiaoError
from pipeline.homework.assignments import Student
from pipeline.homework.zip_import import RefusedFile, ZipLimits, ZipMember, list_members

LIMITS = ZipLimits(files=200, entry_bytes=1_000_000, total_bytes=5_000_000)
SOUND = b"RIFF" + os.urandom(4000)


def make_zip(files: Iterable[tuple[str | ZipInfo, bytes]], compression: int = ZIP_DEFLATED) -> io.BytesIO:
    file = io.BytesIO()
    with ZipFile(file, "w", compression) as archive:
        for name, data in files:
            archive.writestr(name, data, compress_type=compression)
    return file


def raw_zip(entries: Iterable[tuple[bytes, bytes]], flags: int = 0, extra: bytes = b"") -> io.BytesIO:
    """A ZIP of stored files whose names are these very bytes."""
    body, directory, count = b"", b"", 0
    for name, data in entries:
        head = struct.pack("<HHHHHIII", 20, flags, 0, 0, 33, zlib.crc32(data), len(data), len(data))
        directory += b"PK\1\2" + struct.pack("<H", 20) + head + struct.pack("<HH", len(name), len(extra))
        directory += struct.pack("<HHHII", 0, 0, 0, 0, len(body)) + name + extra
        body += b"PK\3\4" + head + struct.pack("<HH", len(name), 0) + name + data
        count += 1
    end = struct.pack("<HHHHIIH", 0, 0, count, count, len(directory), len(body), 0)
    return io.BytesIO(body + directory + b"PK\5\6" + end)


def patch_entry(file: io.BytesIO, name: str, **fields: int) -> io.BytesIO:
    """The ZIP with other values in the entry's line of the directory, such as its `size`."""
    places = {"flags": (8, "<H"), "method": (10, "<H"), "crc": (16, "<L"), "packed": (20, "<L"), "size": (24, "<L")}
    places["at"] = (42, "<L")
    data = bytearray(file.getvalue())
    line = data.rindex(name.encode()) - 46
    for field, value in fields.items():
        place, form = places[field]
        struct.pack_into(form, data, line + place, value)
    return io.BytesIO(data)


def read_all(file: io.BytesIO, limits: ZipLimits = LIMITS) -> dict[str, str | bytes]:
    """Name -> the bytes of each file that is taken, or the code with which it is refused, be it when it is read."""
    outcomes: dict[str, str | bytes] = {}
    for each in list_members(file, limits):
        assert each.name not in outcomes
        outcomes[each.name] = each.code if isinstance(each, RefusedFile) else read_member(each)
    return outcomes


def read_member(member: ZipMember) -> str | bytes:
    try:
        with member.open() as stream:
            return stream.read()
    except WaijiaoError as error:
        return error.code


@pytest.mark.parametrize("compression", [ZIP_STORED, ZIP_DEFLATED])
def test_every_file_comes_out_as_it_went_in(compression):
    files = {"anna.wav": SOUND, "class/王小明.m4a": b"\0" * 70_000 + SOUND, "empty.wav": b""}
    file = make_zip(files.items(), compression)
    assert read_all(file) == files


def test_files_may_be_listed_before_they_are_opened_and_be_opened_twice():
    all_members = list(list_members(make_zip([("a.wav", b"RIFF a"), ("b.wav", b"RIFF b")]), LIMITS))
    assert [read_member(each) for each in (*all_members, *reversed(all_members))] == [
        b"RIFF a",
        b"RIFF b",
        b"RIFF b",
        b"RIFF a",
    ]


def test_two_files_can_be_read_alternately():
    one, two = list_members(make_zip([("a.wav", SOUND * 50), ("b.wav", SOUND[::-1] * 50)]), LIMITS)
    with one.open() as first, two.open() as second:
        pieces = [(first.read(777), second.read(777)) for _ in range(300)]
    assert b"".join(piece for piece, _ in pieces) == SOUND * 50
    assert b"".join(piece for _, piece in pieces) == SOUND[::-1] * 50


def test_folders_and_files_of_operating_systems_are_ignored():
    clutter = ["__MACOSX/._anna.wav", ".DS_Store", "class/Thumbs.db", "class/.hidden.wav", "desktop.ini", "~$list.docx"]
    file = make_zip([("class/", b""), *((name, b"x") for name in clutter), ("class/anna.wav", SOUND)])
    assert read_all(file) == {"class/anna.wav": SOUND}


@pytest.mark.parametrize(
    ("name", "displayed_name"),
    [
        ("../../x.wav", "x.wav"),
        ("class/../../x.wav", "class/x.wav"),
        ("/etc/x.wav", "etc/x.wav"),
        ("C:/Windows/x.wav", "Windows/x.wav"),
        ("C:\\Windows\\..\\x.wav", "Windows/x.wav"),
        ("\\\\host\\share\\x.wav", "host/share/x.wav"),
        ("x.wav\0.exe", "x.wav.exe"),
        (".\0./x.wav", "x.wav"),
        ("a\nb\x1b[2J.wav", "a b[2J.wav"),
        ("vaw.\u202ex.wav", "vaw.x.wav"),
        ("..", "?"),
    ],
)
def test_a_dangerous_or_misleading_name_is_only_a_label(name, displayed_name):
    outcomes = read_all(raw_zip([(name.encode(), SOUND)]))
    assert outcomes == ({displayed_name: SOUND} if displayed_name else {})


def test_names_that_differ_only_in_case_or_normalisation_are_two_files():
    file = raw_zip([("Zoë.wav".encode(), b"1"), ("zoë.wav".encode(), b"2"), ("zoe\u0308.wav".encode(), b"3")])
    assert [(each.name, read_member(each)) for each in list_members(file, LIMITS)] == [
        ("Zoë.wav", b"1"),
        ("zoë.wav", b"2"),
        ("zoë.wav", b"3"),
    ]


@pytest.mark.parametrize("encoding", ["utf-8", "gb18030"])
def test_names_are_read_rightly_without_the_flag_for_utf_8(encoding):
    names = ["高一/王小明.wav", "高一/李雷.wav", "anna.wav"]
    assert list(read_all(raw_zip((name.encode(encoding), SOUND) for name in names))) == names


CLASSES = {  # encoding -> names of a class
    "big5": ("陳怡君", "劉家豪", "許功蓋"),
    "big5hkscs": ("陳怡君", "劉家豪"),
    "gb18030": ("王小明", "李雷", "韩梅梅"),
    "cp949": ("김철수", "이영희", "박지민"),
    "cp932": ("佐藤美咲", "鈴木太郎"),
    "cp1252": ("Zoë Müller", "José Núñez", "Anna Smith"),
    "cp1250": ("Łukasz Żak", "Žofie Nováková"),
    "cp850": ("Zoë Müller", "José Núñez"),
    "cp852": ("Łukasz Żak", "Žofie Nováková"),
    "cp866": ("Анна Иванова", "Олег Петров"),
    "cp1251": ("Анна Иванова", "Олег Петров"),
    "koi8_r": ("Анна Иванова", "Олег Петров"),
    "utf-8": ("陳怡君", "Zoë Müller", "Анна"),
}


@pytest.mark.parametrize("encoding", CLASSES)
def test_names_are_read_in_the_encoding_that_names_the_class(encoding):
    students = [Student(name) for name in CLASSES[encoding]]
    files = [f"hw1/{name} 1.wav" for name in CLASSES[encoding]]
    file = raw_zip((name.encode(encoding), SOUND) for name in [*files, "hw1/readme.txt"])
    assert [each.name for each in list_members(file, LIMITS, students)] == [*files, "hw1/readme.txt"]


def test_names_that_name_nobody_are_read_as_without_a_class():
    file = raw_zip([("Noël.wav".encode("cp437"), SOUND), ("李雷.wav".encode("gb18030"), SOUND)])
    with_class = [each.name for each in list_members(file, LIMITS, [Student("Bob")])]
    assert with_class == [each.name for each in list_members(file, LIMITS)]


def test_names_without_the_utf_8_flag_are_read_as_code_page_437():
    assert list(read_all(raw_zip([("Noël.wav".encode("cp437"), SOUND)]))) == ["Noël.wav"]


def test_a_second_name_in_unicode_counts_when_it_belongs_to_the_first():
    field = struct.pack("<BL", 1, zlib.crc32(b"_.wav")) + "李雷.wav".encode()
    extra = struct.pack("<HH", 0x7075, len(field)) + field
    assert list(read_all(raw_zip([(b"_.wav", SOUND)], extra=extra))) == ["李雷.wav"]
    assert list(read_all(raw_zip([(b"x.wav", SOUND)], extra=extra))) == ["x.wav"]


@pytest.mark.parametrize("kind", [stat.S_IFLNK, stat.S_IFCHR, stat.S_IFBLK, stat.S_IFIFO, stat.S_IFSOCK])
def test_a_link_or_a_device_is_refused(kind):
    link = ZipInfo("link.wav")
    link.external_attr = (kind | 0o777) << 16
    assert read_all(make_zip([(link, b"/etc/passwd"), ("anna.wav", SOUND)])) == {
        "link.wav": "not_audio",
        "anna.wav": SOUND,
    }


@pytest.mark.parametrize("flag", [1 << 0, 1 << 6, 1 << 13])
def test_an_encrypted_file_is_refused_and_the_others_are_accepted(flag):
    file = patch_entry(make_zip([("secret.wav", SOUND), ("anna.wav", SOUND)]), "secret.wav", flags=flag)
    assert read_all(file) == {"secret.wav": "encrypted", "anna.wav": SOUND}


def tar() -> bytes:
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w") as archive:
        archive.addfile(tarfile.TarInfo("anna.wav"))
    return file.getvalue()


@pytest.mark.parametrize(
    "inner",
    [
        make_zip([("anna.wav", SOUND)]).getvalue(),
        make_zip([]).getvalue(),
        b"Rar!\x1a\7\1\0" + SOUND,
        b"7z\xbc\xaf\x27\x1c\0\4" + SOUND,
        zlib.compress(SOUND, wbits=31),
        tar(),
    ],
)
@pytest.mark.parametrize("name", ["inner.zip", "inner.wav"])
def test_a_nested_archive_is_refused_whatever_its_name(inner, name):
    assert read_all(make_zip([(name, inner), ("anna.wav", SOUND)])) == {name: "nested_archive", "anna.wav": SOUND}


def make_document(first_part: str) -> bytes:
    return make_zip([(first_part, b"<x/>"), ("word/document.xml", b"<x/>"), ("word/media/1.wav", SOUND)]).getvalue()


@pytest.mark.parametrize(
    ("name", "first_part"),
    [
        ("说明.docx", "[Content_Types].xml"),
        ("grades.XLSX", "[Content_Types].xml"),
        ("plan.odt", "mimetype"),
        ("Anna.pages", "Data/1.jpg"),
        ("no ending", "[Content_Types].xml"),
        ("anna.wav", "mimetype"),
    ],
)
def test_a_document_is_no_recording_and_no_archive(name, first_part):
    document = make_document(first_part)
    assert read_all(make_zip([(name, document), ("ben.wav", SOUND)])) == {name: "not_audio", "ben.wav": SOUND}


@pytest.mark.parametrize("part", ["[Content_Types].xml", "mimetype"])
def test_the_parts_of_a_document_are_no_files_of_a_class(part):
    with pytest.raises(NotAudio, match="document"):
        read_all(io.BytesIO(make_document(part)))


@pytest.mark.parametrize("compression", [ZIP_BZIP2, ZIP_LZMA])
def test_an_unsupported_compression_is_refused(compression):
    assert read_all(make_zip([("odd.wav", SOUND)], compression)) == {"odd.wav": "bad_archive"}


def test_deflate64_is_refused():
    assert read_all(patch_entry(make_zip([("odd.wav", SOUND)]), "odd.wav", method=9)) == {"odd.wav": "bad_archive"}


def test_a_file_that_is_too_large_is_refused_and_the_others_are_accepted():
    file = make_zip([("long.wav", b"\0" * 1_000_001), ("anna.wav", b"\0" * 1_000_000)])
    assert read_all(file) == {"long.wav": "too_large", "anna.wav": b"\0" * 1_000_000}


def test_files_beyond_the_total_limit_are_refused():
    sizes = {"a.wav": 2_000, "b.wav": 2_001, "c.wav": 1_000}
    file = make_zip((name, b"\0" * size) for name, size in sizes.items())
    outcomes = read_all(file, ZipLimits(files=9, entry_bytes=5_000, total_bytes=4_000))
    assert outcomes == {"a.wav": b"\0" * 2_000, "b.wav": "too_large", "c.wav": b"\0" * 1_000}


def test_a_zip_bomb_is_limited_by_its_own_size_whatever_the_total_limit(monkeypatch):
    monkeypatch.setattr("pipeline.homework.zip_import.MIN_TOTAL_BYTES", 300_000)
    file = make_zip((f"{n}.wav", b"\0" * 100_000) for n in range(9))
    assert len(file.getvalue()) < 3_000
    outcomes = read_all(file, ZipLimits(files=9, entry_bytes=10**9, total_bytes=10**9))
    assert list(outcomes.values()) == [b"\0" * 100_000] * 3 + ["too_large"] * 6


@pytest.mark.parametrize("compression", [ZIP_STORED, ZIP_DEFLATED])
@pytest.mark.parametrize("crc", [zlib.crc32(b"\0" * 10_000), zlib.crc32(b"\0" * 100)])
def test_a_file_that_has_more_than_it_declares_is_refused(compression, crc):
    file = make_zip([("bomb.wav", b"\0" * 10_000), ("anna.wav", SOUND)], compression)
    assert read_all(patch_entry(file, "bomb.wav", size=100, crc=crc)) == {"bomb.wav": "bad_archive", "anna.wav": SOUND}


@pytest.mark.parametrize("compression", [ZIP_STORED, ZIP_DEFLATED])
def test_a_file_that_has_less_than_it_declares_is_refused(compression):
    file = make_zip([("less.wav", SOUND)], compression)
    assert read_all(patch_entry(file, "less.wav", size=len(SOUND) + 1)) == {"less.wav": "bad_archive"}


def test_files_that_share_their_bytes_are_refused():
    kernel = make_zip([("a.wav", b"\0" * 900_000), ("b.wav", SOUND), ("c.wav", SOUND)])
    same = patch_entry(kernel, "b.wav", at=0)
    assert read_all(same) == {"a.wav": "bad_archive", "b.wav": "bad_archive", "c.wav": SOUND}


def test_headers_inside_of_another_file_are_refused():
    inner = raw_zip([(b"2.wav", SOUND), (b"3.wav", SOUND)]).getvalue()
    body, at = inner[: inner.index(b"PK\1\2")], inner.index(b"PK\3\4", 4)
    file = raw_zip([(b"1.wav", body), (b"2.wav", b""), (b"3.wav", b"")])
    for name, start in (("2.wav", 0), ("3.wav", at)):
        fields = {"at": 35 + start, "size": len(SOUND), "packed": len(SOUND), "crc": zlib.crc32(SOUND)}
        file = patch_entry(file, name, **fields)
    assert ZipFile(file).read("3.wav") == SOUND  # so that this is what zipfile alone would let through
    assert set(read_all(file).values()) == {"bad_archive"}


def test_a_file_with_a_wrong_checksum_is_refused_and_the_others_are_accepted():
    file = patch_entry(make_zip([("bad.wav", SOUND), ("anna.wav", SOUND)]), "bad.wav", crc=1)
    assert read_all(file) == {"bad.wav": "bad_archive", "anna.wav": SOUND}


def test_a_file_that_lies_outside_of_the_archive_is_refused():
    file = patch_entry(make_zip([("far.wav", SOUND), ("anna.wav", SOUND)]), "far.wav", at=0xFFFFFFF0)
    assert read_all(file) == {"far.wav": "bad_archive", "anna.wav": SOUND}


class Forwards:
    """A file that is only written to, so that each entry's sizes come after it, as from a browser or a server."""

    def __init__(self, file) -> None:
        self.write, self.flush = file.write, file.flush


class Counting(io.BytesIO):
    """A file that says how much of it was read at once at most."""

    most = 0

    def read(self, size: int | None = -1) -> bytes:
        data = super().read(size)
        self.most = max(self.most, len(data))
        return data


def test_ten_thousand_files_are_refused_before_any_is_read():
    with pytest.raises(TooManyFiles, match="none was read"):
        list_members(make_zip((f"{n}.wav", b"x") for n in range(10_000)), LIMITS)


def test_one_file_too_many_is_counted():
    files = [(f"{n}.wav", b"x") for n in range(201)]
    assert len(read_all(make_zip(files[:200]))) == 200
    with pytest.raises(TooManyFiles, match="201 files"):
        list_members(make_zip(files), LIMITS)


def test_a_directory_that_is_too_long_is_not_read():
    whole = make_zip((f"{n:0200}.wav", b"") for n in range(3_000))
    file = Counting(whole.getvalue())
    with pytest.raises(TooManyFiles):
        list_members(file, LIMITS)
    assert file.most < 300_000


@pytest.mark.parametrize(
    "file",
    [
        io.BytesIO(b"PK\5\6" + b"\0" * 18),
        make_zip([("class/", b"")]),
        make_zip([("class/", b""), ("__MACOSX/._anna.wav", SOUND), ("class/.DS_Store", b"x"), ("Thumbs.db", b"x")]),
    ],
)
def test_a_zip_without_files_is_refused(file):
    with pytest.raises(EmptyArchive):
        list_members(file, LIMITS)


def test_a_streamed_zip_is_read(tmp_path):
    with (tmp_path / "class.zip").open("wb") as file, ZipFile(Forwards(file), "w", ZIP_DEFLATED) as archive:
        archive.writestr("anna.wav", SOUND)
    with (tmp_path / "class.zip").open("rb") as file:
        assert read_all(file) == {"anna.wav": SOUND}


def test_a_zip64_is_read():
    file = io.BytesIO()
    with ZipFile(file, "w") as archive, archive.open("anna.wav", "w", force_zip64=True) as entry:
        entry.write(SOUND)
    assert read_all(file) == {"anna.wav": SOUND}


@pytest.mark.parametrize("data", [b"", b"PK", b"PK\3\4", b"hello" * 1000, b"PK\5\6" + b"\xff" * 18])
def test_what_is_not_a_zip_is_refused_as_such(data):
    with pytest.raises(BadArchive):
        list_members(io.BytesIO(data), LIMITS)


def test_a_truncated_zip_is_refused_at_once():
    data = make_zip([("anna.wav", SOUND), ("bob.wav", SOUND)]).getvalue()
    for length in (len(data) // 2, len(data) - 30, len(data) - 1):
        with pytest.raises(BadArchive):
            list_members(io.BytesIO(data[:length]), LIMITS)


@pytest.mark.parametrize("piece", [1000, 65_536])
def test_memory_stays_flat_however_large_a_file_is(piece):
    data = io.BytesIO()
    with ZipFile(data, "w", ZIP_DEFLATED) as archive, archive.open("long.wav", "w") as entry:
        for _ in range(640):
            entry.write(b"\0" * 50_000)
    (member,) = list_members(data, ZipLimits(1, 10**9, 10**9))
    tracemalloc.start()
    with member.open() as stream:
        length = sum(len(chunk) for chunk in iter(lambda: stream.read(piece), b""))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert length == 32_000_000
    assert peak < 1_000_000


SEED = make_zip([("anna.wav", SOUND[:300]), ("王小明.wav", b"\0" * 300), ("c/", b"")]).getvalue()


@given(st.lists(st.tuples(st.integers(0, len(SEED) - 1), st.binary(min_size=1, max_size=8)), max_size=6))
def test_a_damaged_zip_gives_files_or_our_errors(changes):
    broken = bytearray(SEED)
    for place, change in changes:
        broken[place : place + len(change)] = change
    try:
        outcomes = list(list_members(io.BytesIO(broken), LIMITS))
    except (BadArchive, EmptyArchive, TooManyFiles):
        return
    for each in outcomes:
        bytes_or_code = each.code if isinstance(each, RefusedFile) else read_member(each)
        assert isinstance(bytes_or_code, str) or len(bytes_or_code) == each.size


@pytest.mark.parametrize("compression", [ZIP_STORED, ZIP_DEFLATED])
def test_a_member_can_be_read_from_any_place(compression):
    content = bytes(range(256)) * 1000
    (member,) = list_members(make_zip([("a.wav", content)], compression), LIMITS)
    with member.open() as stream:
        for start, count in ((0, 10), (200_000, 100), (5, 300), (255_990, 50), (300_000, 5)):
            stream.seek(start)
            assert stream.read(count) == content[start : start + count]
        assert stream.seek(-6, 2) == len(content) - 6
        assert stream.read() == content[-6:]
        stream.seek(0)
        assert stream.read() == content

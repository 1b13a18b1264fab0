"""The recordings of an upload: the file itself, or those of the ZIP that it is; read only when their turn comes."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import BinaryIO, cast

from werkzeug.datastructures import FileStorage

from pipeline.errors import WaijiaoError
from pipeline.handing_in.recording_names import label
from pipeline.handing_in.unzipping import Limits, Refused, members
from pipeline.settings import Settings

ZIPS = (b"PK\x03\x04", b"PK\x05\x06")  # how a ZIP begins, and how an empty one does


@dataclass(frozen=True)
class Incoming:
    """A recording; `open` reads its `size` bytes from their start.

    `path` is what it was called where it lay, which says whose it is; `name` says where that was: in which ZIP.
    """

    name: str
    path: str
    size: int
    open: Callable[[], BinaryIO]


def incoming(file: FileStorage, settings: Settings) -> Iterator[Incoming | Refused]:
    """What `file` brings."""
    name, stream = label(file.filename or ""), cast(BinaryIO, file.stream)
    head, size = stream.read(4), stream.seek(0, 2)
    if head not in ZIPS:
        yield Incoming(name, name, size, lambda: at_start(stream))
        return
    most = settings.max_upload_mb * 1_000_000
    limits = Limits(settings.max_hand_in_files, most, settings.max_hand_in_mb * 1_000_000)
    try:
        for each in members(stream, limits):
            inner = f"{name}/{each.name}"
            if isinstance(each, Refused):
                yield Refused(inner, each.code, each.detail)
            else:
                yield Incoming(inner, each.name, each.size, each.open)
    except WaijiaoError as error:
        yield Refused(name, error.code, error.detail)


def at_start(stream: BinaryIO) -> BinaryIO:
    stream.seek(0)
    return stream

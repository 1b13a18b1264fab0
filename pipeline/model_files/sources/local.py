"""Sources on this machine: an installed package, a folder of the user's, and a model that another one is made from."""

import importlib.util
from dataclasses import dataclass, field, replace
from pathlib import Path

from pipeline.errors import ModelDamaged, ModelMissing
from pipeline.model_files.catalogue import File, Model, find_model, locate_files, sha256_of, verify, with_all_files
from pipeline.model_files.sources.files import DownloadedFile, FileParts, SourceError, SourceNames, find_parts
from pipeline.model_files.sources.staging import SHORT_ERRORS, Staging

CONVERSION_PROGRAM = f"""{SHORT_ERRORS}
from pathlib import Path
from worker_llm.grammar.judge.convert import convert
convert(Path(sys.argv[1]), Path(sys.argv[2]))
"""


@dataclass(frozen=True)
class Package:
    """Data files inside an installed package, which is located but not imported."""

    package: str
    files: SourceNames

    def __str__(self) -> str:
        return f"installed package {self.package}"

    def list_files(self, model: Model, staging: Staging) -> Model:
        return model

    def download_size(self, model: Model) -> int:
        return 0

    def fetch(self, model: Model, staging: Staging) -> FileParts:
        spec = importlib.util.find_spec(self.package)
        if not spec or not spec.submodule_search_locations:
            raise SourceError("it is not installed")
        return find_parts(Path(spec.submodule_search_locations[0]), model, self.files)


@dataclass(frozen=True)
class LocalFolder:
    """A folder of the user's, which has the files or has a folder with the model's name."""

    path: Path

    def __str__(self) -> str:
        return f"folder {self.path}"

    def list_files(self, model: Model, staging: Staging) -> Model:
        try:
            return with_all_files(model, self._home(model))
        except (ModelMissing, ModelDamaged) as error:
            raise SourceError(error.detail.partition(";")[0]) from error

    def download_size(self, model: Model) -> int:
        return 0

    def fetch(self, model: Model, staging: Staging) -> FileParts:
        return find_parts(self._home(model), model, {})

    def _home(self, model: Model) -> Path:
        if not self.path.is_dir():
            raise SourceError("there is no such folder")
        inner = self.path / model.name
        return inner if inner.is_dir() else self.path


@dataclass(frozen=True)
class Conversion:
    """Files that are computed from another model of the catalogue, which must be in place; `revision` is its sha256."""

    model: str
    revision: str
    files: SourceNames = field(default_factory=dict)

    def __str__(self) -> str:
        return f"conversion of {self.model}"

    def list_files(self, model: Model, staging: Staging) -> Model:
        original, models_folder = find_model(self.model), staging.folder.parent
        try:
            verify(original, models_folder)
        except (ModelMissing, ModelDamaged) as error:
            raise SourceError(error.detail) from error
        target = staging.subfolder("converted")
        staging.run(CONVERSION_PROGRAM, [str(locate_files(original, models_folder)), str(target)])
        files = tuple(_describe_file(path) for path in sorted(target.iterdir()))
        return replace(model, files=files, unlisted_patterns=(), approximate_bytes=0)

    def download_size(self, model: Model) -> int:
        return 0

    def fetch(self, model: Model, staging: Staging) -> FileParts:
        folder = staging.subfolder("converted")
        return {file.name: [DownloadedFile(folder / file.name)] for file in model.files}


def _describe_file(path: Path) -> File:
    return File(path.name, path.stat().st_size, sha256_of(path, lambda byte_count: None, 0))

"""A model hub: repositories of files, each at a pinned revision."""

import json
from dataclasses import dataclass, field, replace
from fnmatch import fnmatchcase

from pipeline.model_files.catalogue import File, Model
from pipeline.model_files.sources.files import (
    DownloadedFile,
    FileParts,
    SourceError,
    SourceNames,
    find_parts,
    source_names,
)
from pipeline.model_files.sources.staging import SHORT_ERRORS, Staging

RESUMABLE_PREFIX = "hub-"  # of folders in the staging folder whose complete files the next fetch uses
HUB_DOWNLOAD_PROGRAM = f"""{SHORT_ERRORS}
from huggingface_hub import hf_hub_download
repository, revision, target, *names = sys.argv[1:]
for name in names:
    hf_hub_download(repository, name, revision=revision, local_dir=target)
"""
HUB_LISTING_PROGRAM = f"""{SHORT_ERRORS}
import json
from huggingface_hub import HfApi
repository, revision, target = sys.argv[1:]
info = HfApi().model_info(repository, revision=revision, files_metadata=True)
files = [
    {{
        "name": each.rfilename,
        "size": each.size,
        "sha256": each.lfs.sha256 if each.lfs else "",
        "git_sha1": each.blob_id,
    }}
    for each in info.siblings
]
with open(target, "w", encoding="utf-8") as record:
    json.dump({{"revision": info.sha, "files": files}}, record)
"""


@dataclass(frozen=True)
class Hub:
    """Files of a model hub's repository at a pinned revision. The variable HF_ENDPOINT names a mirror.

    Files that were complete before a fetch was interrupted are not downloaded again: their folder is kept.
    """

    repository: str
    revision: str
    files: SourceNames = field(default_factory=dict)

    def __str__(self) -> str:
        return f"hub {self.repository}"

    def list_files(self, model: Model, staging: Staging) -> Model:
        if not model.unlisted_patterns:
            return model
        path = staging.folder / "record.json"
        staging.run(HUB_LISTING_PROGRAM, [self.repository, self.revision, str(path)])
        record = json.loads(path.read_text(encoding="utf-8"))
        if record["revision"] != self.revision:
            raise SourceError(f"its commit is {record['revision']}, not {self.revision}")
        catalogue_names = {file.name for file in model.files}
        other_files = tuple(
            File(**file)
            for file in record["files"]
            if _is_unlisted(file["name"], model.unlisted_patterns, catalogue_names)
        )
        return replace(model, files=model.files + other_files, unlisted_patterns=(), approximate_bytes=0)

    def download_size(self, model: Model) -> int:
        return model.size

    def fetch(self, model: Model, staging: Staging) -> FileParts:
        target = staging.subfolder(f"{RESUMABLE_PREFIX}{self.revision}")
        names = [name for file in model.files for name in source_names(file, self.files)]
        staging.run(HUB_DOWNLOAD_PROGRAM, [self.repository, self.revision, str(target), *names])
        find_parts(target, model, self.files)
        return {
            file.name: [DownloadedFile(target / name) for name in source_names(file, self.files)]
            for file in model.files
        }


def _is_unlisted(name: str, patterns: tuple[str, ...], catalogue_names: set[str]) -> bool:
    """Whether a file of the hub's record belongs to the model, and the catalogue does not list it."""
    return "/" not in name and name not in catalogue_names and any(fnmatchcase(name, pattern) for pattern in patterns)

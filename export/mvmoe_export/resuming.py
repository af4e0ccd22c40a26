"""What an interrupted export has finished, kept beside its output until the bundle is there.

`.NAME.resume/TARGET/` holds a target's files and `record.json`, its records under a key that says
what they were made from; another key is not used. It appears in one step, when the target is done.
"""

import contextlib
import hashlib
import os
import shutil
from collections.abc import Iterable
from pathlib import Path

import msgspec
import torch

from mvmoe_deploy import files
from mvmoe_deploy.bundle import manifest
from mvmoe_deploy.bundle.integrity import check_files
from mvmoe_deploy.errors import BundleError
from mvmoe_export.fingerprint import weights_of
from mvmoe_export.stages import Stages
from mvmoe_export.structure import fingerprint_of

_RECORD = "record.json"
_FILES = "files"


class _Kept(msgspec.Struct):
    """What one target has finished."""

    key: str
    records: dict[str, manifest.Target]


class Finished:
    """The finished targets of exports to one path; keeps nothing without a key."""

    def __init__(self, path: Path, key: str | None) -> None:
        self._folder = files.hidden(path, ".resume")
        self._key = key

    def restore(self, target: str, work: Path) -> dict[str, manifest.Target] | None:
        """A finished target's records, its files put into `work`; None if it is not finished."""
        kept = self._read(target) if self._key is not None else None
        if kept is None or kept.key != self._key:
            return None
        for file in _listed(kept):
            (work / file.path).parent.mkdir(parents=True, exist_ok=True)
            _link(str(self._folder / target / _FILES / file.path), str(work / file.path))
        return kept.records

    def keep(self, target: str, records: dict[str, manifest.Target], work: Path) -> None:
        """Remember a finished target."""
        if self._key is None:
            return
        kept = _Kept(self._key, records)
        with files.new_directory(self._folder / target, replace=True) as folder:
            shutil.copytree(work / target, folder / _FILES / target, copy_function=_link)
            (folder / _RECORD).write_bytes(msgspec.json.encode(kept))

    def clear(self) -> None:
        """Forget everything: the bundle is there."""
        shutil.rmtree(self._folder, ignore_errors=True)

    def _read(self, target: str) -> _Kept | None:
        """What was kept of a target, if it can be read and its files are still what they were."""
        folder = self._folder / target
        with contextlib.suppress(OSError, msgspec.MsgspecError, BundleError):
            kept = msgspec.json.decode((folder / _RECORD).read_bytes(), type=_Kept)
            check_files(folder / _FILES, _listed(kept))
            return kept
        return None


def export_key(stages: Stages, choices: Iterable[object]) -> str:
    """A hash of the model, its weights and what was chosen: of all that the graphs depend on."""
    model = stages.model
    digest = hashlib.sha256(repr((model, model.routing, model.input)).encode())
    for name, tensor in weights_of(model).items():
        digest.update(f"{name} {tensor.dtype} {tuple(tensor.shape)}".encode())
        data = tensor.detach().cpu().contiguous().reshape(-1)
        digest.update(data.view(torch.uint8).numpy() if data.numel() else b"")
    for stage, graph in stages.graphs:
        # What a module computes is not all in its name and weights.
        digest.update(fingerprint_of(stage, graph).encode())
    digest.update(repr(list(choices)).encode())
    return digest.hexdigest()


def _listed(kept: _Kept) -> set[manifest.File]:
    """The files of all of a target's records."""
    return {file for record in kept.records.values() for file in record.files}


def _link(source: str, destination: str) -> None:
    """The same file in another place: linked where the file system can, copied where not."""
    try:
        os.link(source, destination)
    except OSError:
        shutil.copy2(source, destination)

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
from mvmoe_deploy.models.contract import RoutedModel
from mvmoe_export.structure import weights_of

_RECORD = "record.json"
_FILES = "files"


class _Kept(msgspec.Struct):
    """What one target has finished."""

    key: str
    records: dict[str, manifest.Target]


class Finished:
    """The finished targets of exports to one path; keeps nothing if not `enabled`."""

    def __init__(self, path: Path, key: str, enabled: bool) -> None:
        self._folder = path.with_name(f".{path.name}.resume")
        self._key = key
        self._enabled = enabled

    def restore(self, target: str, work: Path) -> dict[str, manifest.Target] | None:
        """The records of a finished target, its files put into `work`; None if it is not."""
        kept = self._read(target) if self._enabled else None
        if kept is None or kept.key != self._key:
            return None
        shutil.copytree(self._folder / target / _FILES, work / target, copy_function=_link)
        return kept.records

    def keep(self, target: str, records: dict[str, manifest.Target], work: Path) -> None:
        """Remember a finished target."""
        if not self._enabled:
            return
        kept = _Kept(self._key, records)
        with files.new_directory(self._folder / target, replace=True) as folder:
            shutil.copytree(work / target, folder / _FILES, copy_function=_link)
            (folder / _RECORD).write_bytes(msgspec.json.encode(kept))

    def clear(self) -> None:
        """Forget everything: the bundle is there."""
        shutil.rmtree(self._folder, ignore_errors=True)

    def _read(self, target: str) -> _Kept | None:
        """What was kept of a target, if it can be read and its files are still what they were."""
        folder = self._folder / target
        with contextlib.suppress(OSError, msgspec.DecodeError, ValueError):
            kept = msgspec.json.decode((folder / _RECORD).read_bytes(), type=_Kept)
            listed = {file for record in kept.records.values() for file in record.files}
            if all(_is_same(folder / _FILES, file, target) for file in listed):
                return kept
        return None


def export_key(model: RoutedModel, choices: Iterable[object]) -> str:
    """A hash of the model, its weights and what was chosen: of all that the graphs depend on."""
    digest = hashlib.sha256(repr((model, model.routing, model.input)).encode())
    for name, tensor in weights_of(model).items():
        digest.update(f"{name} {tensor.dtype} {tuple(tensor.shape)}".encode())
        data = tensor.detach().cpu().contiguous().reshape(-1)
        digest.update(data.view(torch.uint8).numpy() if data.numel() else b"")
    digest.update(repr(list(choices)).encode())
    return digest.hexdigest()


def _is_same(folder: Path, file: manifest.File, target: str) -> bool:
    """Whether a kept file is the one that its record means."""
    path = folder / Path(file.path).relative_to(target)
    return path.stat().st_size == file.bytes and files.sha256(path) == file.sha256


def _link(source: str, destination: str) -> None:
    """The same file in another place: linked where the file system can, copied where not."""
    try:
        os.link(source, destination)
    except OSError:
        shutil.copy2(source, destination)

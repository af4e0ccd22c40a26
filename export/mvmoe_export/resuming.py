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
from typing import cast

import msgspec
import torch
from torch import nn

from mvmoe_deploy.bundle import manifest
from mvmoe_deploy.bundle.integrity import check_files
from mvmoe_deploy.bundle.write import listed_paths
from mvmoe_deploy.errors import BundleError, InputError
from mvmoe_deploy.models.contract import RoutedModel
from mvmoe_deploy.strict_json import object_of
from mvmoe_deploy.system import files, output_places
from mvmoe_export.fingerprint import weights_of
from mvmoe_export.further_targets import further_name
from mvmoe_export.stages import Stages

FORMAT = "mvmoe-export-resume"
_RECORD = "record.json"
_MAX_RECORD_BYTES = 64 * 2**20
_FILES = "files"


class _Kept(msgspec.Struct):
    """What one target has finished."""

    format: str
    key: str
    records: dict[str, manifest.Target]


def has_finished_targets(path: Path) -> bool:
    """Whether an export to `path` that ended early has left a target that it had finished."""
    return any(files.hidden(path, ".resume").glob(f"*/{_RECORD}"))


class FinishedTargets:
    """The finished targets of exports to one path; keeps nothing without a key.

    Those of a strategy that is not the first are kept under names that end in the strategy's.
    """

    def __init__(self, path: Path, key: str | None, further: str | None = None) -> None:
        self._folder = files.hidden(path, ".resume")
        self._key = key
        self._further = further

    def _place(self, target: str) -> Path:
        """Where a target is kept."""
        name = target if self._further is None else further_name(target, self._further)
        return self._folder / name

    def restore(self, target: str, work: Path) -> dict[str, manifest.Target] | None:
        """A finished target's records, its files put into `work`; None if it is not finished."""
        kept = self._read(target) if self._key is not None else None
        if kept is None or (kept.format, kept.key) != (FORMAT, self._key):
            return None
        for file in _listed(kept):
            (work / file.path).parent.mkdir(parents=True, exist_ok=True)
            _link(str(self._place(target) / _FILES / file.path), str(work / file.path))
        return kept.records

    def keep(self, target: str, records: dict[str, manifest.Target], work: Path) -> None:
        """Remember a finished target."""
        if self._key is None:
            return
        kept = _Kept(FORMAT, self._key, records)
        with files.new_directory(self._place(target), foreign_to_kept) as folder:
            shutil.copytree(work / target, folder / _FILES / target, copy_function=_link)
            (folder / _RECORD).write_bytes(msgspec.json.encode(kept))

    def require_free(self, targets: Iterable[str]) -> None:
        """Refuse to begin if what will be finished cannot be kept; raises InputError."""
        if self._key is None:
            return
        if self._folder.is_symlink():
            raise InputError(
                f"{self._folder} is a symbolic link; remove it, or leave out --resume",
                code="output.not-replaceable",
                path=str(self._folder),
                found="symbolic link",
            )
        for target in targets:
            output_places.require_directory(self._place(target), foreign_to_kept)

    def clear(self) -> None:
        """Forget everything, since the bundle is there; what others put there stays."""
        if self._folder.is_symlink() or not self._folder.is_dir():
            return
        with contextlib.suppress(OSError):
            files.sweep(self._folder)
            for kept in self._folder.iterdir():
                if not kept.is_symlink() and kept.is_dir() and foreign_to_kept(kept) is None:
                    shutil.rmtree(kept, ignore_errors=True)
            self._folder.rmdir()

    def _read(self, target: str) -> _Kept | None:
        """What was kept of a target, if it can be read and its files are still what they were."""
        folder = self._place(target)
        with contextlib.suppress(OSError, msgspec.MsgspecError, BundleError):
            kept = msgspec.json.decode((folder / _RECORD).read_bytes(), type=_Kept)
            check_files(folder / _FILES, _listed(kept))
            return kept
        return None


def foreign_to_kept(folder: Path) -> str | None:
    """Why a directory is no target that an export has kept; None if it is one."""
    content = object_of(output_places.head(folder / _RECORD, _MAX_RECORD_BYTES))
    if content.get("format") != FORMAT:
        return f"was not kept by an export ({output_places.not_ours(folder / _RECORD)})"
    known = {f"{_FILES}/{path}" for path in listed_paths(content)}
    found = output_places.unknown_entry(folder, {_RECORD, *known})
    return None if found is None else f"holds {found}, which its {_RECORD} lacks"


def model_digest(model: RoutedModel) -> "hashlib._Hash":
    """A hash of a model's structure and weights, to which more may be added."""
    digest = hashlib.sha256(repr((model, model.routing, model.input)).encode())
    for name, tensor in weights_of(cast(nn.Module, model)).items():
        digest.update(f"{name} {tensor.dtype} {tuple(tensor.shape)}".encode())
        data = tensor.detach().cpu().contiguous().reshape(-1)
        digest.update(data.view(torch.uint8).numpy().data if data.numel() else b"")
    return digest


def export_key(stages: Stages, choices: Iterable[object]) -> str:
    """A hash of the model, its weights and what was chosen: of all that the graphs depend on."""
    digest = model_digest(stages.model)
    for group in stages.groups:
        # What a module computes is not all in its name and weights.
        names = [graph.name for graph in group.members]
        digest.update(f"{group.fingerprint} {names}".encode())
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

"""What an app ships: a bundle with one of its targets and nothing else, a directory or a zip file.

The content of both depends on the bundle alone. A zip has its files in order of their paths, the
manifest first, all with one time and one mode. Nothing in it is compressed: weights hardly shrink,
what a compressor writes changes with its version, and a file that is stored can be mapped where it
lies.
"""

import hashlib
import stat
import zipfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Self

import msgspec

from mvmoe_deploy.bundle.integrity import checked_chunks
from mvmoe_deploy.bundle.manifest import FORMAT, MANIFEST_FILE, File
from mvmoe_deploy.bundle.read import MAX_MANIFEST_BYTES, Bundle
from mvmoe_deploy.bundle.summary import TargetSummary, target_summary
from mvmoe_deploy.bundle.write import encode_manifest, foreign_to_bundle, listed_paths
from mvmoe_deploy.errors import CheckFailedError
from mvmoe_deploy.progress import Progress, ignore_progress
from mvmoe_deploy.strict_json import object_of
from mvmoe_deploy.system import files, output_places
from mvmoe_deploy.system.space import require_space, shown

ZIP_SUFFIX = ".zip"

_EARLIEST = (1980, 1, 1, 0, 0, 0)
"""The time of every file in a zip: the first that the format knows."""

_MODE = stat.S_IFREG | 0o644
_UNIX = 3
"""The system whose modes a zip's entries have, whatever system writes it."""

_MOST_NAMED = 3
"""Graphs that a sentence names."""


@dataclass(frozen=True)
class BundlePack:
    """One target of a bundle, and what goes with it into an app."""

    bundle: Bundle
    target: str
    manifest: bytes
    """The text of `manifest.json`: that of the bundle, with this target alone."""
    files: tuple[File, ...]
    """The target's files and the golden vectors, each once, in order of path."""

    @classmethod
    def of(cls, bundle: Bundle, target: str) -> Self:
        """The pack of a target; raises BundleError if the bundle has no such target."""
        record = bundle.target(target)
        manifest = msgspec.structs.replace(bundle.manifest, targets={target: record})
        listed = {file.path: file for file in (*record.files, manifest.golden.file)}
        in_order = tuple(listed[path] for path in sorted(listed))
        return cls(bundle, target, encode_manifest(manifest), in_order)

    @property
    def total_bytes(self) -> int:
        """Bytes of all its files together, the manifest among them."""
        return len(self.manifest) + sum(file.bytes for file in self.files)

    @property
    def manifest_sha256(self) -> str:
        """The SHA-256 of its manifest, by which a reader can pin it; not that of the bundle."""
        return hashlib.sha256(self.manifest).hexdigest()

    def summary(self) -> TargetSummary:
        """Its graphs and experts with their sizes."""
        manifest = self.bundle.manifest
        return target_summary(self.bundle.target(self.target), manifest.rules)

    def require_at_most(self, limit: int) -> None:
        """Raise CheckFailedError with the sizes if it has more than `limit` bytes."""
        size = self.total_bytes
        if size <= limit:
            return
        summary = self.summary()
        graphs = {graph.name: graph.exclusive_bytes for graph in summary.graphs}
        raise CheckFailedError(
            f"target {self.target} of bundle {self.bundle.path} has {shown(size)} with its "
            f"manifest and golden vectors, and at most {shown(limit)} were allowed: use fewer or "
            f"smaller experts (the largest graphs have {_largest(graphs)} of their own), or raise "
            "the limit",
            code="check.too-large",
            target=self.target,
            limit=limit,
            bytes=size,
            graphs=graphs,
            experts=[list(row) for row in summary.sizes.experts] if summary.sizes else [],
        )

    def write(
        self, output: Path, *, replace_existing: bool = False, progress: Progress = ignore_progress
    ) -> None:
        """Write it to `output`, a zip file if that ends in `.zip`, else a directory.

        Files are compared with their hashes as they are copied. `replace_existing` allows that a
        pack or bundle is replaced. Raises BundleError for a file or golden vectors that are not as
        the manifest says, InputError for an output that touches the bundle or may not be replaced,
        OutputError if the system refuses. Then nothing was written.
        """
        output_places.refuse_overlap([output], [self.bundle.path])
        packed = output.suffix.lower() == ZIP_SUFFIX
        foreign = (foreign_to_pack if packed else foreign_to_bundle) if replace_existing else None
        (output_places.require_file if packed else output_places.require_directory)(output, foreign)
        require_space(
            output, self.total_bytes, f"target {self.target} of bundle {self.bundle.path}"
        )
        self.bundle.golden()
        progress("pack", None, len(self.files) + 1)
        if packed:
            files.write_file(output, partial(self._write_zip, progress), foreign)
            return
        with files.new_directory(output, foreign) as work:
            self._write_directory(progress, work)

    def _write_directory(self, progress: Progress, work: Path) -> None:
        """Write its files below `work`."""
        for name, _, content in self._entries():
            path = work / name
            path.parent.mkdir(parents=True, exist_ok=True)
            with path.open("xb") as file:
                file.writelines(content)
            progress("pack", name, len(self.files) + 1)

    def _write_zip(self, progress: Progress, path: Path) -> None:
        """Write its files into a new zip file."""
        with zipfile.ZipFile(path, "x", zipfile.ZIP_STORED) as archive:
            for name, size, content in self._entries():
                with archive.open(_entry(name, size), "w") as file:
                    file.writelines(content)
                progress("pack", name, len(self.files) + 1)

    def _entries(self) -> Iterator[tuple[str, int, Iterator[bytes]]]:
        """The path, size and content of every file, the manifest first."""
        yield MANIFEST_FILE, len(self.manifest), iter([self.manifest])
        for file in self.files:
            yield file.path, file.bytes, checked_chunks(self.bundle.path, file)


def foreign_to_pack(path: Path) -> str | None:
    """Why a file is no zip of ours that may be replaced; None if it is one.

    Every file in it must be one that its manifest lists.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            names = set(archive.namelist())
            content = object_of(_manifest_in(archive))
    except (zipfile.BadZipFile, OSError, ValueError, RuntimeError):  # What `zipfile` raises.
        names, content = set(), {}
    if content.get("format") != FORMAT:
        return f"is no packed bundle ({output_places.not_ours(path / MANIFEST_FILE)})"
    unknown = sorted(names - {MANIFEST_FILE, *listed_paths(content)})
    return f"holds {unknown[0]}, which the manifest in it lacks" if unknown else None


def _manifest_in(archive: zipfile.ZipFile) -> bytes | None:
    """The manifest in a zip; None where none is stored as `BundlePack.write` does."""
    found = archive.NameToInfo.get(MANIFEST_FILE)
    if found is None or found.compress_type != zipfile.ZIP_STORED:
        return None
    return archive.read(found) if found.file_size <= MAX_MANIFEST_BYTES else None


def _entry(name: str, size: int) -> zipfile.ZipInfo:
    """A zip's record of a file: all that it says beside name and size is the same for all."""
    entry = zipfile.ZipInfo(name, _EARLIEST)
    entry.create_system = _UNIX
    entry.external_attr = _MODE << 16
    entry.file_size = size
    return entry


def _largest(graphs: Mapping[str, int]) -> str:
    """The largest of some graphs with their sizes, in words."""
    names = sorted(graphs, key=lambda name: (-graphs[name], name))[:_MOST_NAMED]
    return ", ".join(f"{shown(graphs[name])} ({name})" for name in names)

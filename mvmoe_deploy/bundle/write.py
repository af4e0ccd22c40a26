"""The parts of a bundle that the format itself writes: file records, golden vectors, manifest.

And how to recognise what was written, before it is replaced.

The bundle appears in one step: its writer works inside `mvmoe_deploy.system.files.new_directory`.
"""

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
from safetensors.numpy import save

from mvmoe_deploy.bundle.manifest import FORMAT, MANIFEST_FILE, File, Golden, Manifest
from mvmoe_deploy.bundle.read import MAX_MANIFEST_BYTES, parse_manifest
from mvmoe_deploy.errors import BundleError
from mvmoe_deploy.strict_json import object_of
from mvmoe_deploy.system import files, output_places

GOLDEN_FILE = "golden.safetensors"


def describe_files(root: Path, paths: Iterable[Path]) -> tuple[File, ...]:
    """The manifest's records of files below `root`, in order of path."""
    return tuple(
        File(
            path=path.relative_to(root).as_posix(),
            bytes=path.stat().st_size,
            sha256=files.sha256(path),
        )
        for path in sorted(paths)
    )


def write_golden(root: Path, vectors: Mapping[str, np.ndarray]) -> Golden:
    """Write the golden vectors that `golden.py` describes, one row of each for an image."""
    path = root / GOLDEN_FILE
    path.write_bytes(save({name: np.ascontiguousarray(array) for name, array in vectors.items()}))
    return Golden(images=len(vectors["image"]), file=describe_files(root, [path])[0])


def write_manifest(root: Path, manifest: Manifest) -> None:
    """Write `manifest.json`, after the checks that a reader would do; raises BundleError."""
    (root / MANIFEST_FILE).write_bytes(encode_manifest(manifest))


def encode_manifest(manifest: Manifest) -> bytes:
    """The text of `manifest.json`, after the checks that a reader would do; raises BundleError."""
    try:
        text = msgspec.json.format(msgspec.json.encode(manifest), indent=2) + b"\n"
    except UnicodeEncodeError as error:
        raise BundleError(
            f"the manifest of the new bundle has a text that is not Unicode ({error}); check the "
            "labels and the model's name",
            file=MANIFEST_FILE,
        ) from error
    parse_manifest(text, "the new bundle", plugins=True)
    return text


def foreign_to_bundle(root: Path) -> str | None:
    """Why a directory is no bundle that may be replaced as a whole; None if it is one.

    Bundles of every version count, damaged files too; but each file there must be one that the
    manifest lists.
    """
    content = object_of(output_places.head(root / MANIFEST_FILE, MAX_MANIFEST_BYTES))
    if content.get("format") != FORMAT:
        return f"is no bundle ({output_places.not_ours(root / MANIFEST_FILE)})"
    found = output_places.unknown_entry(root, {MANIFEST_FILE, *listed_paths(content)})
    return None if found is None else f"holds {found}, which the manifest of its bundle lacks"


def listed_paths(content: Any) -> Iterator[str]:
    """The paths of all file records in plain data of any version: objects with path and hash."""
    if isinstance(content, dict):
        if isinstance(content.get("path"), str) and "sha256" in content:
            yield content["path"]
        content = content.values()
    elif not isinstance(content, list):
        return
    for inner in content:
        yield from listed_paths(inner)

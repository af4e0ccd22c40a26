"""Opening a bundle: the manifest is untrusted until everything here has passed."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
from safetensors import SafetensorError
from safetensors.numpy import load

from mvmoe_deploy.bundle import consistency
from mvmoe_deploy.bundle.integrity import check_files, plain_file
from mvmoe_deploy.bundle.manifest import FORMAT, MANIFEST_FILE, VERSION, Manifest, Target
from mvmoe_deploy.errors import BundleError

MAX_MANIFEST_BYTES = 64 * 2**20
"""Larger manifests are refused unread; one graph takes well under a kilobyte."""


@dataclass(frozen=True)
class Bundle:
    """A bundle whose manifest was checked; its files are checked by `verify`."""

    path: Path
    manifest: Manifest

    @classmethod
    def open(cls, path: str | Path) -> "Bundle":
        """Read and check the manifest of the bundle at `path`; raises BundleError."""
        root = Path(path)
        if not root.is_dir():
            raise BundleError(
                f"bundle {root} is not a directory; give one that mvmoe export has written"
            )
        file = plain_file(root, MANIFEST_FILE)
        size = file.stat().st_size
        if size > MAX_MANIFEST_BYTES:
            raise BundleError(
                f"the manifest of bundle {root} has {size} bytes; at most {MAX_MANIFEST_BYTES} "
                "are read"
            )
        return cls(root, parse_manifest(file.read_bytes(), f"bundle {root}"))

    def target(self, name: str) -> Target:
        """The target `name`; raises BundleError if the bundle was exported without it."""
        if name not in self.manifest.targets:
            raise BundleError(
                f"bundle {self.path} has no target {name!r}; it has "
                f"{', '.join(sorted(self.manifest.targets))}: export it with --target {name}"
            )
        return self.manifest.targets[name]

    def verify(self, target: str | None = None) -> None:
        """Check the files of one target (of all if None) and the golden vectors' against hashes.

        Raises BundleError that names the first file that is missing, truncated or altered.
        """
        names = self.manifest.targets if target is None else [target]
        for name in names:
            check_files(self.path, self.target(name).files)
        check_files(self.path, [self.manifest.golden.file])

    def golden(self) -> dict[str, np.ndarray]:
        """The golden vectors by name (see `docs/bundle.md`); raises BundleError."""
        record = self.manifest.golden.file
        check_files(self.path, [record])
        try:
            return load((self.path / record.path).read_bytes())
        except SafetensorError as error:
            raise BundleError(
                f"the golden vectors of bundle {self.path} are damaged: {error}"
            ) from error


def parse_manifest(data: bytes, where: str) -> Manifest:
    """The manifest of JSON text, checked in every respect that needs no other file.

    Raises BundleError; `where` names the source.
    """
    content = _parse_json(data, where)
    if not isinstance(content, dict):
        raise BundleError(f"the manifest of {where} is no JSON object")
    identity = (content.get("format"), content.get("version"))
    if identity != (FORMAT, VERSION):
        raise BundleError(
            f"the manifest of {where} is {identity[0]!r} version {identity[1]!r}; this release "
            f"reads {FORMAT!r} version {VERSION}: export the bundle again"
        )
    try:
        manifest = msgspec.convert(content, Manifest)
    except msgspec.ValidationError as error:
        raise BundleError(f"the manifest of {where} is wrong: {error}") from error
    try:
        consistency.check(manifest)
    except BundleError as error:
        raise BundleError(f"{where}: {error}") from error
    return manifest


def _parse_json(data: bytes, where: str) -> Any:
    """Strict JSON: no duplicate keys, no NaN, no nesting beyond the parser's stack."""
    try:
        return json.loads(data, object_pairs_hook=_distinct_keys, parse_constant=_no_constant)
    except (ValueError, RecursionError) as error:
        reason = "it is nested too deeply" if isinstance(error, RecursionError) else error
        raise BundleError(f"the manifest of {where} is not valid JSON: {reason}") from error


def _distinct_keys(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """An object of its pairs; a key that is there twice has no single meaning."""
    result = dict(pairs)
    if len(result) != len(pairs):
        keys = [key for key, _ in pairs]
        twice = next(key for key in keys if keys.count(key) > 1)
        raise ValueError(f"the key {twice!r} is there twice")
    return result


def _no_constant(name: str) -> None:
    raise ValueError(f"{name} is not a JSON number")

"""Opening a bundle: the manifest is untrusted until everything here has passed."""

import hashlib
import re
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec
import numpy as np

from mvmoe_deploy import strict_json
from mvmoe_deploy.bundle import consistency, golden, manifest_faults
from mvmoe_deploy.bundle.integrity import (
    check_files,
    is_missing,
    plain_file,
    read_errors,
    read_file,
)
from mvmoe_deploy.bundle.manifest import FORMAT, MANIFEST_FILE, VERSION, Manifest, Target
from mvmoe_deploy.bundle.missing_target import missing_target
from mvmoe_deploy.errors import BundleError, InputError
from mvmoe_deploy.routing.plain_data import rule_decoder
from mvmoe_deploy.strategies import Strategy, find_strategy
from mvmoe_deploy.text import one_line, quoted

MAX_MANIFEST_BYTES = 32 * 2**20
"""Larger manifests are refused unread; one graph takes about a kilobyte."""

_LONGEST = 200
"""Characters of an error's text that a message quotes: field names come from the manifest."""


@dataclass(frozen=True)
class Bundle:
    """A bundle whose manifest was checked; its files are checked by `verify`."""

    path: Path
    manifest: Manifest
    manifest_sha256: str | None = None
    """The SHA-256 of `manifest.json`, which has those of all other files; None in the making."""
    plugins: bool = False
    """Whether what the manifest names may be a part of another distribution."""

    @classmethod
    def open(
        cls, path: str | Path, manifest_sha256: str | None = None, *, plugins: bool = False
    ) -> "Bundle":
        """Read and check the manifest of the bundle at `path`; raises BundleError.

        The code of other distributions is imported only with `plugins`: a manifest may name it.

        With `manifest_sha256` (64 hexadecimal digits, as `mvmoe inspect` prints them) a manifest
        of any other content is refused unread. Raises InputError for what is no SHA-256.
        """
        wanted = None if manifest_sha256 is None else _checked_sha256(manifest_sha256)
        root = Path(path)
        with read_errors(root, MANIFEST_FILE):
            if not root.is_dir():
                raise BundleError(
                    f"bundle {root} is not a directory; give one that mvmoe export has written",
                    code="bundle.missing",
                    bundle=str(root),
                )
            file = plain_file(root, MANIFEST_FILE)
            with file.open("rb") as opened:
                data = opened.read(MAX_MANIFEST_BYTES + 1)
        found = hashlib.sha256(data).hexdigest()
        if wanted not in (None, found):
            raise BundleError(
                f"bundle {root} is not the one that was asked for: its manifest has the SHA-256 "
                f"{found}, and {wanted} was given; take the bundle from where that was published",
                code="bundle.wrong-manifest",
                expected=wanted,
                found=found,
            )
        return cls(root, parse_manifest(data, f"bundle {root}", plugins=plugins), found, plugins)

    def target(self, name: str) -> Target:
        """The target `name`; raises BundleError if the bundle was exported without it."""
        if name not in self.manifest.targets:
            raise BundleError(
                f"bundle {self.path} has no target {quoted(name)}; "
                f"{missing_target(self.manifest, name)}",
                code="bundle.no-target",
                target=name,
                available=sorted(self.manifest.targets),
            )
        return self.manifest.targets[name]

    def strategy(self, target: str) -> Strategy:
        """The strategy of the target `target`."""
        return find_strategy(self.target(target).strategy, plugins=self.plugins)

    def removed_targets(self) -> dict[str, str]:
        """The targets whose files somebody removed, each with a clause that says so.

        None of a target's own files is there then; those that other targets have too may be. A
        target of which only some are missing is damaged, and so is a bundle of which no target is
        left: `verify` refuses them.
        """
        manifest = self.manifest
        listed = Counter(file.path for target in manifest.targets.values() for file in target.files)
        listed[manifest.golden.file.path] += 1
        removed = {}
        for name, target in manifest.targets.items():
            missing = {file.path for file in target.files if is_missing(self.path, file)}
            own = {file.path for file in target.files if listed[file.path] == 1}
            if missing and own <= missing:
                removed[name] = _removed_clause(sorted(missing))
        return removed if len(removed) < len(manifest.targets) else {}

    def verify(self, *targets: str) -> None:
        """Check the files of some targets (of all if none is given) against their hashes.

        The golden vectors too. Raises BundleError that names the first file that is missing,
        truncated or altered, or the first golden vector that is not what the manifest makes it.
        """
        for name in targets or self.manifest.targets:
            check_files(self.path, self.target(name).files)
        self.golden()

    def golden(self) -> dict[str, np.ndarray]:
        """The golden vectors by name (see `docs/bundle.md`); raises BundleError."""
        data = read_file(self.path, self.manifest.golden.file, golden.max_bytes(self.manifest))
        return golden.parse_vectors(data, self.manifest, f"bundle {self.path}")


def _removed_clause(missing: list[str]) -> str:
    """What is said of a target without its files."""
    others = f" and {len(missing) - 1} more" if len(missing) > 1 else ""
    return f"its files were removed from the bundle: {missing[0]}{others}"


def _checked_sha256(given: str) -> str:
    """The hexadecimal digits of a SHA-256 in lower case; raises InputError."""
    if not isinstance(given, str) or not re.fullmatch("[0-9a-fA-F]{64}", given):
        raise InputError(
            f"the SHA-256 of a manifest was given as {quoted(given)}; expected 64 hexadecimal "
            "digits, as mvmoe inspect prints them",
            name="manifest_sha256",
            expected="64 hexadecimal digits",
        )
    return given.lower()


def parse_manifest(data: bytes, where: str, *, plugins: bool = False) -> Manifest:
    """The manifest of JSON text, checked in every respect that needs no other file.

    With `plugins` it may name parts of other distributions. Raises BundleError; `where` names the
    source.
    """
    if len(data) > MAX_MANIFEST_BYTES:
        raise BundleError(
            f"the manifest of {where} is too large; at most {MAX_MANIFEST_BYTES:,} bytes are read",
            code="bundle.too-large",
            limit=MAX_MANIFEST_BYTES,
        )
    content = _parse_json(data, where)
    if not isinstance(content, dict):
        raise BundleError(
            f"the manifest of {where} is no JSON object; export the bundle again",
            code="bundle.manifest-wrong-type",
            path="$",
            expected="object",
        )
    identity = (content.get("format"), content.get("version"))
    if identity != (FORMAT, VERSION):
        raise BundleError(
            f"the manifest of {where} is {quoted(identity[0])} version {quoted(identity[1])}; this "
            f"release reads {FORMAT!r} version {VERSION}: export the bundle again",
            code="bundle.unsupported-version",
            format=quoted(identity[0]),
            version=quoted(identity[1]),
        )
    try:
        manifest = msgspec.convert(content, Manifest, dec_hook=rule_decoder(plugins))
    except msgspec.ValidationError as error:
        fault = manifest_faults.of_field(error)
        raise BundleError(
            f"the manifest of {where} is wrong: {one_line(error, _LONGEST)}",
            code=fault.code,
            **fault.fields,
        ) from error
    try:
        consistency.check(manifest, plugins=plugins)
    except BundleError as error:
        raise error.within(where) from error
    return manifest


def _parse_json(data: bytes, where: str) -> Any:
    """Strict JSON whose texts are Unicode; raises BundleError."""
    try:
        content = strict_json.loads(data)
        # Escapes can spell half a character, which no text may hold.
        msgspec.json.encode(content)
    except (ValueError, OverflowError) as error:
        fault = manifest_faults.of_text(error)
        raise BundleError(
            f"the manifest of {where} is not valid JSON: {one_line(error, _LONGEST)}",
            code=fault.code,
            **fault.fields,
        ) from error
    return content

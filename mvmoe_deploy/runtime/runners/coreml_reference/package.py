"""The form of a `.mlpackage`: its manifest, its model and where its weights are.

Operators are not parsed here: `load` reads the program.
"""

import stat
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from mvmoe_deploy import strict_json
from mvmoe_deploy.errors import BundleError
from mvmoe_deploy.runtime.runners.coreml_reference.coremltools_imports import Model_pb2
from mvmoe_deploy.runtime.runners.coreml_reference.printable import one_line

_MOST_MANIFEST_BYTES = 1 << 20
_MOST_MODEL_BYTES = 32 << 20
"""Weights are in a file of their own: a program of a thousand ops has a fifth of a megabyte."""

_LONGEST_PATH = 500
_ADVICE = "export the bundle again"


@dataclass(frozen=True)
class Package:
    """The model of a `.mlpackage` at `path`; `folder` is where the weight files are looked for."""

    path: Path
    model: Any
    folder: Path


def open_package(path: Path) -> Package:
    """Read a `.mlpackage` directory; raises BundleError if its form is wrong."""
    if not path.is_dir():
        raise BundleError(f"{path} is no directory; expected a .mlpackage, {_ADVICE}")
    file = _model_file(path)
    model = Model_pb2.Model()
    try:
        model.ParseFromString(_read(path, file, _MOST_MODEL_BYTES))
    except BundleError:
        raise
    except Exception as error:  # The errors of protobuf differ between its implementations.
        raise BundleError(f"{file} of {path} is not a Core ML model; {_ADVICE}") from error
    if model.WhichOneof("Type") != "mlProgram":
        raise BundleError(f"{file} of {path} is not an ML Program; {_ADVICE}")
    return Package(path, model, (path / file).parent)


def plain_file(package: Path, relative: str) -> Path:
    """The path of a regular file inside a package, reached without links; raises BundleError."""
    parts = PurePosixPath(relative).parts
    odd = not relative.isprintable() or len(relative) > _LONGEST_PATH
    if odd or not parts or ".." in parts or relative.startswith("/"):
        raise BundleError(f"{one_line(repr(relative))} is no path inside {package}; {_ADVICE}")
    path, mode = package, 0
    for part in parts:
        path = path / part
        try:
            mode = path.lstat().st_mode
        except OSError as error:
            raise BundleError(
                f"{relative} of {package} is missing ({error.strerror}); {_ADVICE}"
            ) from error
        if stat.S_ISLNK(mode):
            raise BundleError(f"{relative} of {package} is behind a symbolic link; {_ADVICE}")
    if not stat.S_ISREG(mode):
        raise BundleError(f"{relative} of {package} is not a regular file; {_ADVICE}")
    return path


def _model_file(package: Path) -> str:
    """The path of the model inside the package, as its manifest tells it."""
    data = _read(package, "Manifest.json", _MOST_MANIFEST_BYTES)
    try:
        manifest = strict_json.loads(data)
        relative = manifest["itemInfoEntries"][manifest["rootModelIdentifier"]]["path"]
    except (ValueError, LookupError, TypeError) as error:
        raise BundleError(f"Manifest.json of {package} names no model; {_ADVICE}") from error
    if not isinstance(relative, str):
        raise BundleError(f"Manifest.json of {package} names no model; {_ADVICE}")
    plain_file(package, f"Data/{relative}")
    return f"Data/{relative}"


def _read(package: Path, relative: str, most: int) -> bytes:
    """The bytes of a file of at most `most` bytes."""
    path = plain_file(package, relative)
    try:
        with path.open("rb") as file:
            data = file.read(most + 1)
    except OSError as error:
        raise BundleError(
            f"{relative} of {package} cannot be read ({error.strerror}); {_ADVICE}"
        ) from error
    if len(data) > most:
        raise BundleError(
            f"{relative} of {package} has more than the {most} bytes that make sense; {_ADVICE}"
        )
    return data

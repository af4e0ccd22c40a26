"""Reads the tensors of a file; its first bytes say which format it has, not its name."""

import argparse
import pickle
import re
import warnings
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open

from mvmoe_deploy.errors import CheckpointError
from mvmoe_deploy.models.file_kinds import ZIP, is_pickle, other_kind
from mvmoe_deploy.models.stored_tensors import require_plain_archive, require_stored
from mvmoe_deploy.text import name as shown
from mvmoe_deploy.text import one_line

CONFIG_FILE = "config.json"
WEIGHTS_FILE = "model.safetensors"
_PICKLED_FILE = "pytorch_model.bin"
_MOST_HEADER_BYTES = 48 * 2**20
"""Of a safetensors file: a million labels and the names of all tensors take less."""

_LONGEST = 200
"""Characters of what a reader says of a file, and of a key."""

_TAR = (257, b"ustar")
"""Where a tar archive says that it is one; PyTorch wrote such files once."""

_PART = re.compile(r".*-\d{5}-of-(?!00001)(\d{5})\.(?:safetensors|bin)")
"""The name of a file that has a part of the weights of a large model."""

_SUFFIXES = frozenset({".pt", ".pth", ".tar", ".ckpt", ".bin", ".safetensors"})
"""What the names of files of weights end in: only to say which a directory holds."""

_PLAIN = (argparse.Namespace,)
"""Classes in a pickle that are read beside tensors: training scripts save their options so. Of a
`Namespace` nothing is run: it is made empty, and its attributes are set."""


def weights_file(path: Path) -> Path:
    """The file of a checkpoint that has the weights; raises CheckpointError if there is none."""
    try:
        exists = path.exists()
        if path.is_dir():
            return _file_in(path)
    except OSError as error:
        raise CheckpointError(
            f"checkpoint {path} cannot be read ({error.strerror})",
            code="checkpoint.missing",
            path=str(path),
        ) from error
    if not exists:
        raise CheckpointError.missing(path)
    if not path.is_file():
        raise CheckpointError(
            f"checkpoint {path} is not a regular file; give a .safetensors or a .pt file",
            code="checkpoint.missing",
            path=str(path),
        )
    if part := _PART.fullmatch(path.name):
        raise CheckpointError(
            f"{path} is one of {int(part[1])} files that hold the weights together, which are not "
            f"read; save them as one {WEIGHTS_FILE}",
            code="checkpoint.unsupported",
            path=str(path),
        )
    return path


def _file_in(folder: Path) -> Path:
    """The weights of a directory: safetensors if it has both kinds."""
    for name in (WEIGHTS_FILE, _PICKLED_FILE):
        if (folder / name).is_file():
            return folder / name
        if (folder / f"{name}.index.json").is_file():
            raise CheckpointError(
                f"checkpoint directory {folder} holds its weights in several files, which are not "
                f"read; save them as one {WEIGHTS_FILE}",
                code="checkpoint.unsupported",
                path=str(folder),
            )
    raise CheckpointError(
        f"checkpoint directory {folder} has no {WEIGHTS_FILE}; {_way_on(folder)}",
        code="checkpoint.missing",
        path=str(folder),
    )


def _way_on(folder: Path) -> str:
    """What to do with a directory whose weights are not where they are looked for."""
    if (folder / ".metadata").is_file():
        return (
            "it is a distributed checkpoint of PyTorch: make one file of it with "
            "torch.distributed.checkpoint.format_utils.dcp_to_torch_save"
        )
    found = sorted(
        each.name for each in folder.iterdir() if each.suffix in _SUFFIXES and each.is_file()
    )
    if found:
        rest = f" and {len(found) - 5} more" if len(found) > 5 else ""
        return f"give one of its files instead: {', '.join(map(shown, found[:5]))}{rest}"
    return f"expected {CONFIG_FILE} and {WEIGHTS_FILE} or {_PICKLED_FILE}"


def named_by_directory(file: Path) -> bool:
    """Whether a file is called as in a directory, so that what belongs to it may be beside it."""
    return file.name in (WEIGHTS_FILE, _PICKLED_FILE)


def set_aside(path: Path) -> str | None:
    """One line on a second file of weights in a directory, which is not read; None without one."""
    if path.is_dir() and all((path / name).is_file() for name in (WEIGHTS_FILE, _PICKLED_FILE)):
        return f"weights: {WEIGHTS_FILE} is read, and {_PICKLED_FILE} beside it is not"
    return None


def read_weights(path: Path) -> tuple[Any, dict[str, str]]:
    """What a file holds, and the metadata of a safetensors file.

    No code that a pickle holds is run. Raises CheckpointError for a file that is no whole one.
    """
    start = _first_bytes(path)
    if start[8:9] == b"{":
        _require_small_header(path, int.from_bytes(start[:8], "little"))
        return _read_safetensors(path)
    if other := other_kind(path, start):
        raise CheckpointError(
            f"{path} ({path.stat().st_size} bytes) {other.words}",
            code="checkpoint.damaged" if other.damaged else "checkpoint.unsupported",
            path=str(path),
        )
    if start.startswith(ZIP) or is_pickle(start, (2, 3)) or start[_TAR[0] :].startswith(_TAR[1]):
        return _read_pickled(path), {}
    raise CheckpointError(
        f"{path} ({path.stat().st_size} bytes) is no whole safetensors file and no whole PyTorch "
        "file: its first bytes are those of neither",
        code="checkpoint.damaged",
        path=str(path),
    )


def _require_small_header(path: Path, size: int) -> None:
    """Refuse a safetensors header that would take gigabytes to parse."""
    if size > _MOST_HEADER_BYTES:
        raise CheckpointError(
            f"{path} ({path.stat().st_size} bytes) is no whole safetensors file: its header would "
            f"have {size:,} bytes, and at most {_MOST_HEADER_BYTES:,} are read",
            code="checkpoint.too-large",
            path=str(path),
        )


def _read_pickled(path: Path) -> Any:
    """The content of a PyTorch file that takes no more memory than its size allows."""
    require_plain_archive(path)
    content = _read_torch(path)
    require_stored(content, path)
    return content


def _first_bytes(path: Path) -> bytes:
    """Enough of a file to tell what it is; raises CheckpointError if it cannot be read."""
    try:
        with path.open("rb") as file:
            return file.read(_TAR[0] + len(_TAR[1]))
    except OSError as error:
        raise CheckpointError(
            f"{path} cannot be read ({error.strerror})", code="checkpoint.missing", path=str(path)
        ) from error


def _read_safetensors(path: Path) -> tuple[dict[str, torch.Tensor], dict[str, str]]:
    """Tensors and metadata of a safetensors file."""
    try:
        with safe_open(path, framework="pt") as file:
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
            return tensors, file.metadata() or {}
    except (SafetensorError, OSError, RuntimeError, ValueError) as error:
        raise CheckpointError(
            f"{path} ({path.stat().st_size} bytes) is no whole safetensors file: "
            f"{one_line(error, _LONGEST)}",
            code="checkpoint.damaged",
            path=str(path),
        ) from error


def _read_torch(path: Path) -> Any:
    """The content of a PyTorch file, read without running any code that it may hold."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            known = torch.serialization.get_safe_globals()
            plain: list[Any] = [each for each in _PLAIN if each not in known]
            # An open file: of a path, PyTorch would believe what its name ends in.
            with torch.serialization.safe_globals(plain), path.open("rb") as file:
                return torch.load(file, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError as error:
        raise CheckpointError(
            f"{path} holds more than tensors, and nothing of it was run{_what(error)}; save "
            "model.state_dict() alone",
            code="checkpoint.not-a-state-dict",
            path=str(path),
        ) from error
    except Exception as error:  # a pickle of damaged bytes raises nearly every class
        raise CheckpointError(
            f"{path} ({path.stat().st_size} bytes) is no whole PyTorch file: "
            f"{one_line(error, _LONGEST)}",
            code="checkpoint.damaged",
            path=str(path),
        ) from error


def _what(error: Exception) -> str:
    """The class that a pickle asked for, where PyTorch names it."""
    found = re.search(r"GLOBAL ([\w.]{1,100})", str(error))
    return f" (it asks for {found[1]})" if found else ""

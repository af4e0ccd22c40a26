"""Tensors of a PyTorch file against its bytes: what is claimed must be there.

A file of a kilobyte can describe a tensor of terabytes, all of whose elements are one number
(strides of 0), and an archive can unpack to any size. Reading either would take hours or all
memory, so both are refused before anything reads them.
"""

import zipfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from mvmoe_deploy.errors import CheckpointError
from mvmoe_deploy.text import name as shown

_MOST_REPEATS = 32
"""How often a file's bytes may be used: tied layers and averages share their storage."""

_ALWAYS_ALLOWED = 64 * 2**20
_MOST_NODES = 1_000_000


def require_plain_archive(path: Path) -> None:
    """Refuse an archive whose entries are packed or lie over each other; raises CheckpointError.

    `torch.save` does neither. What is no archive passes: it has another format, or is damaged.
    """
    try:
        with path.open("rb") as file, zipfile.ZipFile(file) as archive:
            entries = archive.infolist()
            size = path.stat().st_size
    except (zipfile.BadZipFile, ValueError, NotImplementedError, OSError, EOFError):
        return
    packed = any(entry.compress_type != zipfile.ZIP_STORED for entry in entries)
    unpacked = sum(entry.file_size for entry in entries)
    if packed or unpacked > size:
        raise CheckpointError(
            f"{path} ({size} bytes) is a packed archive that unpacks to {unpacked:,} bytes; save "
            "the state dict again with torch.save, which does not pack",
            code="checkpoint.too-large",
            path=str(path),
        )


def require_stored(content: Any, path: Path) -> None:
    """Refuse tensors with more elements than the file stores; raises CheckpointError."""
    size, total = path.stat().st_size, 0
    for key, tensor in _tensors(content):
        if not _is_strided(tensor):
            continue
        needed, stored = tensor.numel() * tensor.itemsize, tensor.untyped_storage().nbytes()
        if needed > stored:
            raise CheckpointError(
                f"{path} holds the tensor {shown(key)} of shape {list(tensor.shape)[:8]}, which "
                f"takes {needed:,} bytes, but stores {stored:,} for it; save tensors that are not "
                "expanded (tensor.contiguous())",
                code="checkpoint.too-large",
                path=str(path),
            )
        total += needed
    if total > _MOST_REPEATS * size + _ALWAYS_ALLOWED:
        raise CheckpointError(
            f"{path} ({size:,} bytes) describes tensors of {total:,} bytes together: they share "
            "their storage too often; save each tensor for itself (tensor.clone())",
            code="checkpoint.too-large",
            path=str(path),
        )


def _is_strided(tensor: Tensor) -> bool:
    """Whether a tensor has a storage that its elements are read from."""
    return not tensor.is_nested and not tensor.is_meta and tensor.layout == torch.strided


def _tensors(content: Any) -> Iterator[tuple[str, Tensor]]:
    """All tensors in mappings and lists, each with its last key.

    What a pickle holds may contain itself, or be nested a million times.
    """
    waiting: list[tuple[str, Any]] = [("", content)]
    seen: set[int] = set()
    while waiting and len(seen) < _MOST_NODES:
        key, node = waiting.pop()
        if isinstance(node, Tensor):
            yield key, node
        elif isinstance(node, Mapping | list | tuple) and id(node) not in seen:
            seen.add(id(node))
            items = node.items() if isinstance(node, Mapping) else enumerate(node)
            waiting += [(str(name), value) for name, value in items]

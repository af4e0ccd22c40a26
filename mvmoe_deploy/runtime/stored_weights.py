"""Weights that graphs take as inputs, mapped from the file of weights of their target."""

import contextlib
import errno
import mmap
import os
import threading
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from mvmoe_deploy.bundle.integrity import read_errors
from mvmoe_deploy.bundle.manifest import ExpertWeights, Graph, Target
from mvmoe_deploy.routing import Route

_PAGE = mmap.ALLOCATIONGRANULARITY

_CAN_ADVISE = hasattr(mmap.mmap, "madvise")

_CANNOT_MAP = (errno.ENODEV, errno.EINVAL, errno.EACCES, errno.EPERM)
"""What a file system says that cannot map files."""


@cache
def _little_endian(name: str) -> np.dtype[Any]:
    """NumPy's type of stored numbers."""
    return np.dtype(name).newbyteorder("<")


class StoredWeights:
    """The weights of experts, by stage and number; what no graph uses is not read.

    The file is mapped: the system brings pages in when they are used, and may drop them again. On a
    file system that cannot map, an expert's range is read when it is first used, and kept.
    """

    def __init__(
        self,
        root: Path,
        target: Target,
        require: Callable[[os.stat_result], None] = lambda _: None,
    ) -> None:
        """Over a checked bundle at `root`; `require` raises for a file that is another one.

        It is asked of the file that was opened: its path may lead to another one by then.
        """
        self._root = root
        self._require = require
        self._file = target.weights or ""
        self._bytes = sum(file.bytes for file in target.files if file.path == target.weights)
        self._experts = target.experts
        self._mapped: mmap.mmap | None = None
        self._read: dict[tuple[int, int], np.ndarray] = {}
        self._tensors: dict[tuple[int, int], dict[str, np.ndarray]] = {}
        self._mapping = threading.Lock()
        self._can_map = True

    def inputs(self, graph: Graph, route: Route) -> dict[str, np.ndarray]:
        """The weights that a graph takes for the images of a route, by the inputs' names.

        Raises BundleError if their file cannot be read, ResourceLimitError where a limit is met.
        """
        return {
            name: self._of(graph.stage, route[bound.place])[bound.tensor]
            for name, bound in graph.bound.items()
        }

    @property
    def is_mapped(self) -> bool:
        """Whether the file is mapped, so that weights of any expert lie in what was opened."""
        return self._mapped is not None

    def map(self) -> bool:
        """Map the file, unless that was done; whether it can be. Raises as `inputs` does."""
        return self._map() is not None

    def advise(self, stage: int, route: Route) -> None:
        """Ask the system to read the ranges of a route's experts now, in the background.

        Without effect where it takes no advice. Raises as `inputs` does.
        """
        for number in route if self._experts and _CAN_ADVISE else ():
            expert = self._experts[stage - 1][number]
            mapped = self._map() if expert.bytes else None
            if mapped is not None:
                start = expert.offset - expert.offset % _PAGE
                with contextlib.suppress(OSError):  # It was advice.
                    mapped.madvise(mmap.MADV_WILLNEED, start, expert.offset + expert.bytes - start)

    def _of(self, stage: int, number: int) -> dict[str, np.ndarray]:
        """The tensors of an expert, as they lie in the file."""
        found = self._tensors.get((stage, number))
        if found is None:
            expert = self._experts[stage - 1][number]
            content, start = self._content(stage, number, expert)
            found = {}
            for name, stored in expert.tensors.items():
                kind = _little_endian(stored.dtype)
                found[name] = np.ndarray(stored.shape, kind, content, stored.offset - start)
            self._tensors[stage, number] = found
        return found

    def _content(
        self, stage: int, number: int, expert: ExpertWeights
    ) -> tuple[mmap.mmap | np.ndarray, int]:
        """Memory with the range of an expert, and where in the file it begins."""
        mapped = self._map()
        if mapped is not None:
            return mapped, 0
        with read_errors(self._root, self._file), (self._root / self._file).open("rb") as file:
            self._require(os.fstat(file.fileno()))
            read = np.fromfile(file, np.uint8, expert.bytes, offset=expert.offset)
            self._require_size(expert.offset + len(read), expert.offset + expert.bytes)
        return self._read.setdefault((stage, number), read), expert.offset

    def _require_size(self, found: int, wanted: int) -> None:
        """Raise OSError for a file that is not as long as it was."""
        if found != wanted:
            raise OSError(errno.EIO, f"{found:,} bytes were found instead of {wanted:,}")

    def _map(self) -> mmap.mmap | None:
        """The mapping of the file, made once; None on a file system that cannot."""
        if self._mapped is None and self._can_map:
            # On one line: at a line of its own, leaving the block could be interrupted.
            with self._mapping: self._map_once()  # fmt: skip  # noqa: E701
        return self._mapped

    def _map_once(self) -> None:
        """Map the file, unless another thread has."""
        if self._mapped is not None:
            return
        with read_errors(self._root, self._file), (self._root / self._file).open("rb") as file:
            found = os.fstat(file.fileno())
            self._require_size(found.st_size, self._bytes)
            self._require(found)
            try:
                self._mapped = mmap.mmap(file.fileno(), self._bytes, access=mmap.ACCESS_READ)
            except ValueError as error:  # It has become shorter since it was looked at.
                raise OSError(errno.EIO, "it is shorter than it was") from error
            except OSError as error:
                if error.errno not in _CANNOT_MAP:
                    raise
                self._can_map = False

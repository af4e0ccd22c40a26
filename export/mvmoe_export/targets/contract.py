"""The contract of a target: stages in, graphs of one format out."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from mvmoe_deploy.bundle import manifest
from mvmoe_export.stages import Stages


def _ignore(_: str) -> None:
    """Progress that nobody watches."""


@dataclass(frozen=True)
class ExportOptions:
    """What a caller may choose; a target reads the fields that concern it."""

    opset: int = 20
    """ONNX operator set of the graphs."""
    progress: Callable[[str], None] = _ignore
    """Called with a graph's name when it was written."""


@dataclass(frozen=True)
class Artifact:
    """What a target has written: the manifest's record of it, the parity report still open."""

    record: manifest.Target


class Target(Protocol):
    """A format with its engine.

    Invariants:

    - `export` writes only below `root / name` and leaves nothing temporary there.
    - Every graph of every stage is in the artifact, under its own name and route.
    - A tensor that several graphs read is stored once.
    - Router logits and answers leave the graphs in fp32; no graph selects a route.
    - The same stages and options give the same bytes.
    """

    name: str

    def export(self, stages: Stages, options: ExportOptions, root: Path) -> Artifact:
        """Write the graphs of `stages` below `root`; raises InputError naming graph and cause."""

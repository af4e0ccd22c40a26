"""Targets of several strategies in one bundle: one of them runs, the others are to compare with."""

from collections.abc import Iterable, Mapping
from pathlib import Path

import msgspec

from mvmoe_deploy.bundle import manifest


def further_name(target: str, strategy: str) -> str:
    """What a target of a strategy that is not the first is called: `onnx-all-experts`."""
    return f"{target}-{strategy}"


def take_over(
    records: Mapping[str, manifest.Target],
    targets: Iterable[str],
    strategy: str,
    source: Path,
    root: Path,
) -> dict[str, manifest.Target]:
    """Move what a strategy gave from `source` into a bundle at `root`, under names of its own.

    Each target has one folder with all of its variants, and its files name each other within it.
    """
    for target in targets:
        (source / target).rename(root / further_name(target, strategy))
    source.rmdir()
    return {
        further_name(name, strategy): _moved(record, strategy) for name, record in records.items()
    }


def _moved(record: manifest.Target, strategy: str) -> manifest.Target:
    """A target's record with its paths in the new folder."""

    def path(old: str) -> str:
        folder, _, rest = old.partition("/")
        return f"{further_name(folder, strategy)}/{rest}"

    replaced = msgspec.structs.replace
    return replaced(
        record,
        graphs=tuple(replaced(graph, file=path(graph.file)) for graph in record.graphs),
        files=tuple(replaced(file, path=path(file.path)) for file in record.files),
        weights=None if record.weights is None else path(record.weights),
    )

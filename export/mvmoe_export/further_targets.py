"""Targets of several strategies and recipes in one bundle: the first run, others are to compare."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import msgspec

from mvmoe_deploy.bundle import manifest
from mvmoe_deploy.errors import InputError
from mvmoe_export.targets import ExportOptions, TargetPart
from mvmoe_export.targets.contract import TargetOptions

_OPTION = "precision"
"""The option in which targets take a recipe."""


@dataclass(frozen=True)
class TargetVariant:
    """A strategy and a recipe for all targets, and what their names end in; None for the first."""

    strategy: str
    recipe: str | None
    further: str | None


def variants(strategies: Sequence[str], recipes: str | Sequence[str]) -> Iterator[TargetVariant]:
    """Every strategy with every recipe, each once; without recipes with the targets' own."""
    named = [recipes] if isinstance(recipes, str) else list(recipes)
    chosen: list[str | None] = [*dict.fromkeys(named)] or [None]
    for first, strategy in enumerate(dict.fromkeys(strategies)):
        for second, recipe in enumerate(chosen):
            further = [strategy if first else None, recipe if second else None]
            yield TargetVariant(strategy, recipe, "-".join(filter(None, further)) or None)


def with_recipe(
    options: ExportOptions, found: Mapping[str, TargetPart], recipe: str | None
) -> ExportOptions:
    """Options in which all targets have a recipe; raises InputError for one that a target lacks."""
    if recipe is None:
        return options
    return replace(
        options,
        targets={
            **options.targets,
            **{
                name: _with(options.of(name, target.options), name, recipe)
                for name, target in found.items()
            },
        },
    )


def _with(options: TargetOptions, target: str, recipe: str) -> TargetOptions:
    """The options of one target with a recipe."""
    if _OPTION not in options.__struct_fields__:
        raise InputError(
            f"the target {target} has no choice of a precision; leave out --precision, or the "
            "target",
            code="input.option",
            name=_OPTION,
            given=recipe,
        )
    return msgspec.structs.replace(options, **{_OPTION: recipe})


def further_name(target: str, further: str) -> str:
    """What a target of another strategy or recipe is called: `onnx-all-experts`, `onnx-int8`."""
    return f"{target}-{further}"


def take_over(
    records: Mapping[str, manifest.Target],
    targets: Iterable[str],
    further: str,
    source: Path,
    root: Path,
) -> dict[str, manifest.Target]:
    """Move what a further export gave from `source` into a bundle at `root`, under other names.

    Each target has one folder with all of its variants, and its files name each other within it.
    """
    for target in targets:
        (source / target).rename(root / further_name(target, further))
    source.rmdir()
    return {
        further_name(name, further): _moved(record, further) for name, record in records.items()
    }


def _moved(record: manifest.Target, further: str) -> manifest.Target:
    """A target's record with its paths in the new folder."""

    def path(old: str) -> str:
        folder, _, rest = old.partition("/")
        return f"{further_name(folder, further)}/{rest}"

    replaced = msgspec.structs.replace
    return replaced(
        record,
        graphs=tuple(replaced(graph, file=path(graph.file)) for graph in record.graphs),
        files=tuple(replaced(file, path=path(file.path)) for file in record.files),
        weights=None if record.weights is None else path(record.weights),
    )

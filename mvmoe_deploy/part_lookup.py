"""Find a part of the toolchain by its name: a rule, a strategy, a target, a command, ...

A part is one module (or one package) that declares `PART`: `strategies/gather.py` is the strategy
`gather`. It is imported when it is asked for, and nothing is registered before that. Other
distributions bring parts through the entry-point group `mvmoe.parts`, whose entries are called
`KIND.NAME` and name a module that declares `PART` as well:

    [project.entry-points."mvmoe.parts"]
    "rules.median" = "my_package.median"

The group is read only for a name that is not built in: a scan of the installed distributions takes
about 25 ms. A name may come from an untrusted manifest, so what opens a bundle passes
`plugins=False` unless its caller has allowed plug-ins.
"""

import ast
import importlib
import importlib.util
import pkgutil
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from importlib.abc import InspectLoader
from importlib.machinery import PathFinder
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path
from types import MappingProxyType, ModuleType
from typing import Any

from mvmoe_deploy.errors import InputError
from mvmoe_deploy.text import choices_text, quoted

GROUP = "mvmoe.parts"
"""The entry-point group of other distributions' parts."""

PACKAGES: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "commands": ("mvmoe_deploy.commands", "mvmoe_export.commands", "mvmoe_bench.commands"),
        "rules": ("mvmoe_deploy.routing",),
        "strategies": ("mvmoe_deploy.strategies",),
        "outputs": ("mvmoe_deploy.outputs",),
        "families": ("mvmoe_deploy.models.families",),
        "routings": ("mvmoe_deploy.training.routings",),
        "datasets": ("mvmoe_deploy.training.datasets",),
        "runners": ("mvmoe_deploy.runtime.runners",),
        "references": ("mvmoe_export.parity",),
        "targets": ("mvmoe_export.targets",),
        "rewrites": ("mvmoe_export.rewrites",),
        "recipes": ("mvmoe_export.compression",),
        "devices": ("mvmoe_bench.measure.devices",),
        "subjects": ("mvmoe_bench.measure.subjects",),
        "measurements": ("mvmoe_bench.measure.jobs",),
        "sections": ("mvmoe_bench.report.sections",),
        "advice": ("mvmoe_bench.advice.rules",),
    }
)
"""The kinds of parts, and the packages that hold the built-in parts of each."""

QUICK = "PARTS_ARE_QUICK_TO_IMPORT"
"""What a package of built-in parts sets to True if importing one of them brings along no framework
and no engine: `summaries` may then ask all of the kind."""

_UNDERSCORES = frozenset({"rules", "families"})
"""Kinds whose names are written with underscores; those of all others are written with dashes."""

_NAME = re.compile(r"[a-z][a-z0-9_-]{0,63}")
_DECLARATION = re.compile(r"^PART\b", re.MULTILINE)


@dataclass(frozen=True)
class PartInfo:
    """A part that is installed; nothing of it was imported."""

    kind: str
    name: str
    module: str
    distribution: str | None
    """The distribution that brings it; None for a built-in part."""


def find(kind: str, name: str, *, plugins: bool = True) -> Any:
    """The `PART` of the module that is the part `name` of a kind; its module is imported now.

    Raises InputError for a name that no part can have, for an unknown part, and with
    `plugins=False` for a part of another distribution, which is then not imported.
    """
    if isinstance(name, str) and _NAME.fullmatch(name):
        if (part := _built_in(kind, name)) is not None:
            return part
        if (entry := _plugin(kind, name)) is not None:
            if plugins:
                return _declared(importlib.import_module(entry.module), entry.name)
            raise InputError(
                f"the {_singular(kind)} {name!r} is of the plug-in {_distribution(entry)}, and "
                "plug-ins are not allowed here; if you trust it, allow them with --plugins (in "
                "Python plugins=True)",
                code="part.plugin-not-allowed",
                kind=kind,
                name=name,
                distribution=_distribution(entry),
            )
    known = names(kind)
    raise InputError(
        f"the {_singular(kind)} {quoted(name)} is unknown; "
        f"{choices_text(name, known, 'installed are')}",
        code="part.unknown",
        kind=kind,
        name=str(name),
        installed=known,
    )


def names(kind: str) -> list[str]:
    """The sorted names of all installed parts of a kind, plug-ins' included; imports no part."""
    return sorted(part.name for part in installed(kind))


def built_in_names(kind: str) -> list[str]:
    """The sorted names of the built-in parts of a kind; imports no part."""
    return sorted(part.name for part in _built_in_parts(kind))


def installed(kind: str) -> list[PartInfo]:
    """All installed parts of a kind by name, plug-ins' included; imports no part.

    A plug-in cannot replace a built-in part: one of the same name is left out.
    """
    found = {part.name: part for part in _built_in_parts(kind)}
    for entry in _entries(kind):
        name = entry.name.partition(".")[2]
        found.setdefault(name, PartInfo(kind, name, entry.module, _distribution(entry)))
    return sorted(found.values(), key=lambda part: part.name)


def summaries(kind: str) -> dict[str, str]:
    """What parts of a kind do in one line, by name; those that say nothing lack.

    A part says so by its `summary`, where parts of the kind are quick to import. Of other kinds no
    part is imported: what the modules of built-in parts say first of themselves is read.
    """
    if all(_is_quick(package) for package in PACKAGES[kind]):
        found = {name: _summary(kind, name) for name in names(kind)}
    else:
        found = {part.name: _first_paragraph(part.module) for part in _built_in_parts(kind)}
    return {name: text for name, text in found.items() if text is not None}


def _is_quick(package: str) -> bool:
    """Whether a package says that its parts are quick to import."""
    try:
        return bool(getattr(importlib.import_module(package), QUICK, False))
    except ModuleNotFoundError:  # The package is not installed.
        return False


def _summary(kind: str, name: str) -> str | None:
    """What one part says of itself; None if it says nothing, or is a plug-in's that fails."""
    try:
        text = getattr(find(kind, name), "summary", None)
    except Exception:  # A plug-in raises what it likes; others are listed without it.
        return None
    return text if isinstance(text, str) else None


def _built_in(kind: str, name: str) -> Any:
    """The built-in part of that name, or None."""
    if name != _written(kind, name):
        return None
    for package in PACKAGES[kind]:
        module = f"{package}.{name.replace('-', '_')}"
        try:
            found = importlib.util.find_spec(module)
        except ModuleNotFoundError:  # The package is not installed.
            continue
        if found is not None and hasattr(imported := importlib.import_module(module), "PART"):
            return _declared(imported, name)
    return None


def _written(kind: str, name: str) -> str:
    """A name with the separator of its kind, so that every part has one spelling."""
    return name.replace("-", "_") if kind in _UNDERSCORES else name.replace("_", "-")


@cache
def _built_in_parts(kind: str) -> tuple[PartInfo, ...]:
    """The built-in parts of a kind: modules whose source declares `PART`."""
    return tuple(
        PartInfo(kind, _written(kind, module.rpartition(".")[2]), module, None)
        for package in PACKAGES[kind]
        for module in _modules(package)
        if _declares_part(module)
    )


def _modules(package: str) -> Iterator[str]:
    """The modules of a package; neither is imported. None if it is not installed."""
    for found in pkgutil.iter_modules(_folders(package)):
        yield f"{package}.{found.name}"


def _folders(package: str) -> list[str]:
    """Where a package is; found without an import of those around it, which may take seconds."""
    root, *inner = package.split(".")
    found = importlib.util.find_spec(root)
    places = (found.submodule_search_locations if found is not None else None) or ()
    return [str(Path(place, *inner)) for place in places]


def _declares_part(module: str) -> bool:
    """Whether a module's source declares `PART`; the module is not imported."""
    return _DECLARATION.search(_source(module)) is not None


def _source(module: str) -> str:
    """A module's source, which is not imported; empty if it has none."""
    spec = PathFinder.find_spec(module, _folders(module.rpartition(".")[0]))
    loader = getattr(spec, "loader", None)
    return (loader.get_source(module) if isinstance(loader, InspectLoader) else None) or ""


def _first_paragraph(module: str) -> str | None:
    """The first paragraph of a module's docstring as one line; None without one."""
    said = ast.get_docstring(ast.parse(_source(module)))
    return " ".join(said.partition("\n\n")[0].split()) if said else None


def _entries(kind: str) -> Iterator[EntryPoint]:
    """The entry points of a kind's plug-ins; entries with an impossible name are left out."""
    for entry in entry_points(group=GROUP):
        prefix, _, name = entry.name.partition(".")
        if prefix == kind and _NAME.fullmatch(name):
            yield entry


def _plugin(kind: str, name: str) -> EntryPoint | None:
    """The entry point of a plug-in's part, or None."""
    return next((entry for entry in _entries(kind) if entry.name == f"{kind}.{name}"), None)


def _distribution(entry: EntryPoint) -> str:
    """The name of the distribution that an entry point is of."""
    return entry.dist.name if entry.dist is not None else entry.module


def _declared(module: ModuleType, name: str) -> Any:
    """The part that a module declares; raises InputError if a plug-in's module has none."""
    part = getattr(module, "PART", None)
    if part is None:
        raise InputError(
            f"the plug-in {name} names the module {module.__name__}, which declares no PART; "
            "update or remove the plug-in",
            code="part.invalid",
            name=name,
            module=module.__name__,
        )
    return part


def _singular(kind: str) -> str:
    """What one part of a kind is called in a message."""
    words = {
        "families": "model family",
        "strategies": "strategy",
        "outputs": "output kind",
        "datasets": "data set",
    }
    return words.get(kind, kind.removesuffix("s"))

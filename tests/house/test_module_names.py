"""One name, one meaning: no two modules are called alike, unless they play one role of a contract.

They do where they are files of parts of one kind (`targets/onnx/options.py` and
`targets/coreml/options.py`), or what a folder has by a fixed name (`contract.py`, `__main__.py`,
and `command.py` of a package that is run). Parts of different kinds may be called alike, too: each
is found by its name in its kind.
"""

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping
from pathlib import Path

import pytest

from mvmoe_deploy import part_lookup

ROOT = Path(__file__).parents[2]
PACKAGES = (
    "mvmoe_deploy",
    "export/mvmoe_export",
    "benchmarks/mvmoe_bench",
    "benchmarks/own_standing",
    "benchmarks/evidence",
)
FIXED = re.compile(r"__\w+__|contract|command")


def modules() -> list[str]:
    """The dotted names of all modules that are one file."""
    return [
        ".".join(path.relative_to((ROOT / package).parent).with_suffix("").parts)
        for package in PACKAGES
        for path in sorted((ROOT / package).rglob("*.py"))
    ]


def kinds_of_parts() -> dict[str, str]:
    """The kind of each built-in part, by the dotted name of its module or package."""
    return {
        part.module: kind
        for kind in part_lookup.PACKAGES
        for part in part_lookup.installed(kind)
        if part.distribution is None
    }


def confused(modules: Iterable[str], kinds: Mapping[str, str]) -> list[list[str]]:
    """The modules of one name, for each name that means more than one thing."""
    found = defaultdict(list)
    for module in modules:
        found[module.rpartition(".")[2]].append(module)
    return [
        alike
        for name, alike in found.items()
        if len(alike) > 1
        and not FIXED.fullmatch(name)
        and not _play_one_role(alike, kinds)
        and not _are_parts_of_different_kinds(alike, kinds)
    ]


def _play_one_role(modules: Iterable[str], kinds: Mapping[str, str]) -> bool:
    """Whether each module lies in the folder of a part, and these parts are of one kind."""
    folders = {kinds.get(module.rpartition(".")[0]) for module in modules}
    return len(folders) == 1 and None not in folders


def _are_parts_of_different_kinds(modules: Iterable[str], kinds: Mapping[str, str]) -> bool:
    """Whether each module is a part, and no two of them are of one kind."""
    found = [kinds.get(module) for module in modules]
    return None not in found and len(found) == len(set(found))


def test_no_two_modules_have_one_name():
    found = modules()
    assert len(found) > 500
    assert confused(found, kinds_of_parts()) == []


@pytest.mark.parametrize(
    ("alike", "allowed"),
    [
        (["a.targets.onnx.options", "a.targets.coreml.options"], True),
        (["a.targets.onnx.options", "a.cli.options"], False),
        (["a.targets.onnx.options", "a.runners.onnx.options"], False),
        (["a.targets.onnx.kernels.resizing", "a.targets.coreml.kernels.resizing"], False),
        (["a.rules.rank", "a.rewrites.rank"], True),
        (["a.rules.rank", "a.rewrites.rank", "a.rank"], False),
        (["a.rules.rank", "b.rules.rank"], False),
        (["a.routing.contract", "a.targets.contract"], True),
        (["a.training.report", "a.verification.report"], False),
    ],
)
def test_what_may_be_called_alike(alike, allowed):
    kinds = {
        "a.targets.onnx": "targets",
        "a.targets.coreml": "targets",
        "a.runners.onnx": "runners",
        "a.rules.rank": "rules",
        "b.rules.rank": "rules",
        "a.rewrites.rank": "rewrites",
    }
    assert confused(alike, kinds) == ([] if allowed else [alike])

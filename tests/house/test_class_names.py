"""One name, one meaning: no two classes of the three packages are called alike."""

import ast
from collections import defaultdict
from pathlib import Path

ROOT = Path(__file__).parents[2]
PACKAGES = ("mvmoe_deploy", "export/mvmoe_export", "benchmarks/mvmoe_bench")


def classes() -> dict[str, list[str]]:
    """The files with a class of each public name; those of one module alone may begin with `_`."""
    found = defaultdict(list)
    for package in PACKAGES:
        for path in sorted((ROOT / package).rglob("*.py")):
            for node in ast.parse(path.read_bytes()).body:
                if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
                    found[node.name].append(str(path.relative_to(ROOT)))
    return found


def test_no_two_classes_have_one_name():
    found = classes()
    assert len(found) > 400
    assert {name: paths for name, paths in found.items() if len(paths) > 1} == {}

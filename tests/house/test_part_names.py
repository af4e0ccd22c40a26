"""No module but the part itself compares with a part's name or lists names of parts.

Read from the syntax trees of the three packages: a comparison (`==`, `in`, `match`) with the name
of a part, or a literal collection that holds several names of one kind, is a second place that has
to be edited when a part comes or goes.
"""

import ast
import importlib.util
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from mvmoe_deploy import part_lookup

_PACKAGES = ("mvmoe_deploy", "mvmoe_export", "mvmoe_bench")

_OTHER_MEANINGS = {
    "mvmoe_deploy.commands.verify": {"pytorch"},  # where the reference comes from
    "mvmoe_deploy.training.folder": {"train"},  # the folder of the images
    "mvmoe_deploy.training.survey": {"train"},
    "mvmoe_deploy.runtime.runners.coreml_reference.program_constants": {
        "tensor"
    },  # of Core ML's own format
    # A type of Core ML's own, and types of numbers: a recipe of that name makes them.
    "mvmoe_deploy.runtime.runners.coreml_reference.kernels.quantization": {"int8"},
    "mvmoe_export.compression.contract": {"int4", "int8", "palette-4", "palette-6"},
    "mvmoe_deploy.runtime.runners.executorch.runner": {"coreml"},  # ExecuTorch's delegates
    "mvmoe_export.targets.executorch.job": {"portable"},
    "mvmoe_export.targets.executorch.lowering": {"coreml", "portable"},
    "mvmoe_export.targets.executorch.target": {"coreml"},
    "mvmoe_export.targets.coreml.engine": {"softmax"},  # an operator of Core ML's
    "mvmoe_bench.measure.schema.results": {"run"},  # a line of the results
    "mvmoe_bench.commands.demo": {"all-experts", "dense", "static"},  # what the demo measures
}
"""Names of parts that are words of something else, or one command's own choice of what it makes;
with the modules where they are."""


@dataclass(frozen=True)
class Mention:
    """A place that knows parts by name."""

    module: str
    line: int
    names: frozenset[str]

    def __str__(self) -> str:
        return f"{self.module}:{self.line} knows {', '.join(sorted(self.names))}"


def mentions(source: str, module: str, names: dict[str, frozenset[str]]) -> Iterator[Mention]:
    """The places of a module's source that compare with a name or list several of one kind."""
    every = frozenset().union(*names.values())
    for node in ast.walk(ast.parse(source)):
        match node:
            case ast.Compare():
                found = frozenset(_texts([node.left, *node.comparators])) & every
                needed = 1
            case ast.MatchValue():
                found, needed = frozenset(_texts([node.value])) & every, 1
            case ast.Dict():
                found, needed = _of_one_kind(_texts(key for key in node.keys if key), names), 2
            case ast.List() | ast.Tuple() | ast.Set():
                found, needed = _of_one_kind(_texts(node.elts), names), 2
            case _:
                continue
        if len(found) >= needed:
            yield Mention(module, node.lineno, found)


def _texts(nodes: object) -> Iterator[str]:
    """The string constants among expressions, those in literal collections included."""
    for node in nodes:
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield node.value
        elif isinstance(node, ast.List | ast.Tuple | ast.Set):
            yield from _texts(node.elts)


def _of_one_kind(texts: Iterator[str], names: dict[str, frozenset[str]]) -> frozenset[str]:
    """The names of the kind that most of the texts are of."""
    given = frozenset(texts)
    return max((given & of_kind for of_kind in names.values()), key=len)


def _names() -> dict[str, frozenset[str]]:
    return {kind: frozenset(part_lookup.built_in_names(kind)) for kind in part_lookup.PACKAGES}


def _own_modules(names: frozenset[str]) -> set[str]:
    """The modules of the parts that have one of these names."""
    return {
        part.module
        for kind in part_lookup.PACKAGES
        for part in part_lookup.installed(kind)
        if part.distribution is None and part.name in names
    }


def _sources() -> Iterator[tuple[str, Path]]:
    for package in _PACKAGES:
        spec = importlib.util.find_spec(package)
        root = Path(spec.origin).parent
        for path in sorted(root.rglob("*.py")):
            dotted = path.relative_to(root.parent).with_suffix("").as_posix().replace("/", ".")
            yield dotted.removesuffix(".__init__"), path


def _is_inside(module: str, part: str) -> bool:
    return module == part or module.startswith(f"{part}.")


def test_no_module_knows_parts_by_name() -> None:
    names = _names()
    outside = [
        mention
        for module, path in _sources()
        for mention in mentions(path.read_text(), module, names)
        if not any(_is_inside(module, part) for part in _own_modules(mention.names))
        and not mention.names <= _OTHER_MEANINGS.get(module, frozenset())
    ]
    assert not outside, "\n".join(map(str, outside))


def test_every_exemption_is_needed() -> None:
    names = _names()
    found: dict[str, set[str]] = {}
    for module, path in _sources():
        for mention in mentions(path.read_text(), module, names):
            found.setdefault(module, set()).update(mention.names)
    for module, exempt in _OTHER_MEANINGS.items():
        assert exempt <= found.get(module, set()), f"{module} needs no exemption for {exempt}"


@pytest.mark.parametrize(
    "source",
    [
        "if target.format == 'coreml': pass",
        "if name in ('coreml', other): pass",
        "match name:\n    case 'coreml': pass",
        "TABLE = {'coreml': 1, 'onnx': 2}",
        "NAMES = ['onnx', 'coreml']",
    ],
)
def test_the_check_finds_every_form(source: str) -> None:
    names = {"targets": frozenset({"coreml", "onnx"}), "rules": frozenset({"top_k"})}
    assert list(mentions(source, "module", names))


@pytest.mark.parametrize(
    "source", ["open('coreml')", "DEFAULT = 'coreml'", "x = ['coreml', 'top_k']", "a == 'other'"]
)
def test_the_check_leaves_defaults_and_arguments(source: str) -> None:
    names = {"targets": frozenset({"coreml", "onnx"}), "rules": frozenset({"top_k"})}
    assert not list(mentions(source, "module", names))

"""Bundles with many routed stages, or none, as `mvmoe inspect` shows them."""

import io
import json
import re
from pathlib import Path

import msgspec
import pytest
from rich.console import Console

from mvmoe_deploy.bundle.read import parse_manifest
from mvmoe_deploy.bundle.summary import SizeReport
from mvmoe_deploy.cli.bundle_view import BundleView, show_bundle, show_sizes
from mvmoe_deploy.routing.top_k import TopK

PAGE = Path(__file__).parents[2] / "docs" / "bundle.md"
TWO, THREE = TopK(experts=4, k=2), TopK(experts=4, k=3)


def shown(show, data):
    out = io.StringIO()
    show(Console(file=out, width=400), data)
    return out.getvalue().splitlines()


def starting(lines, word):
    return [line.strip() for line in lines if line.strip().startswith(word)]


@pytest.fixture
def view():
    """The example of the documentation, without its target."""
    (example,) = re.findall(r"```json\n(.*?)```", PAGE.read_text(), flags=re.DOTALL)
    whole = re.sub(r'"([0-9a-f]{2})\.\.\."', lambda match: f'"{match[1]}{"0" * 62}"', example)
    manifest = parse_manifest(json.dumps(json.loads(whole)).encode(), "the documentation")
    return msgspec.structs.replace(BundleView.of("b", manifest, None), targets={})


@pytest.mark.parametrize(
    ("rules", "finishes", "lines"),
    [
        ([], None, ["routing: none; every image runs the same graph"]),
        ([TWO], None, [f"routing: {TWO.describe()}"]),
        ([TWO] * 24, None, [f"routing of stages 1 to 24: {TWO.describe()}"]),
        (
            [TWO, THREE, THREE],
            [((0, 1),), (), ()],
            [
                f"routing of stage 1: {TWO.describe()}; finishes an image on 0+1",
                f"routing of stages 2 to 3: {THREE.describe()}",
            ],
        ),
        (
            [TWO, THREE, TWO],
            None,
            [
                f"routing of stage {number}: {rule.describe()}"
                for number, rule in enumerate((TWO, THREE, TWO), start=1)
            ],
        ),
    ],
)
def test_stages_in_a_row_with_one_rule_are_one_line(view, rules, finishes, lines):
    ends = tuple(finishes or [()] * len(rules))
    view = msgspec.structs.replace(view, routing=tuple(rules), finishes=ends)
    assert starting(shown(show_bundle, view), "routing") == lines


@pytest.mark.parametrize(
    ("experts", "line"),
    [
        ((), "weights: 9.0 kB for every image"),
        (((2000, 2000),), "weights: shared by all experts 9.0 kB; each of 2 experts 2.0 kB"),
        (
            ((1000, 1000), (2000, 3000), (1000, 1000)),
            "weights: shared by all experts 9.0 kB; each of 2 experts of stages 1, 3: 1.0 kB; "
            "each of 2 experts of stage 2: 2.0 kB to 3.0 kB",
        ),
        (
            ((1000, 1000),) * 24,
            "weights: shared by all experts 9.0 kB; each of 2 experts of stages 1, 2, 3 and "
            "21 more: 1.0 kB",
        ),
    ],
)
def test_stages_with_experts_of_one_size_are_told_together(experts, line):
    sizes = SizeReport(
        distinct=1, shared=9000, experts=experts, separate=1, stored=1, saved=0, repeated=0,
        one_more_expert=None,
    )  # fmt: skip
    assert starting(shown(show_sizes, sizes), "weights:") == [line]

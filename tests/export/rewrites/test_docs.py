"""`docs/rewrites.md` says what the code does."""

import re
from operator import attrgetter
from pathlib import Path

import pytest

from mvmoe_export.rewrites import built_in
from mvmoe_export.targets.coreml.job import REWRITES as COREML
from mvmoe_export.targets.executorch.job import REWRITES as EXECUTORCH
from mvmoe_export.targets.onnx.profiles import REWRITES as ONNX

TEXT = (Path(__file__).parents[3] / "docs" / "rewrites.md").read_text()
ROWS = {
    cells[0]: cells[1:]
    for cells in (
        [cell.strip() for cell in line.strip("| ").split(" | ")] for line in TEXT.splitlines()
    )
    if len(cells) > 1
}


@pytest.mark.parametrize("rewrite", built_in(), ids=attrgetter("name"))
def test_every_rewrite_is_listed_with_its_error(rewrite):
    assert ROWS[f"`{rewrite.name}`"] == [rewrite.summary, str(rewrite.error or "exact")]


@pytest.mark.parametrize("rewrite", built_in(), ids=attrgetter("name"))
def test_every_rewrite_shows_its_graph_before_and_after(rewrite):
    text = rewrite.apply.__doc__
    assert re.search(r"Before::\n\n.*\n\n\s*After::\n\n", text, flags=re.DOTALL)


@pytest.mark.parametrize(
    ("row", "names"),
    [
        ("ONNX, profile `cpu`", ONNX["cpu"]),
        ("ONNX, profile `nnapi`", ONNX["nnapi"]),
        ("ONNX, profile `coreml-ep`", ONNX["coreml-ep"]),
        ("ExecuTorch, `xnnpack`", EXECUTORCH["xnnpack"]),
        ("ExecuTorch, `portable`", EXECUTORCH["portable"]),
        ("ExecuTorch, `coreml`", EXECUTORCH["coreml"]),
        ("Core ML", COREML),
    ],
)
def test_every_target_is_listed_with_its_rewrites(row, names):
    assert ROWS[row] == [", ".join(f"`{name}`" for name in names) or "none"]

"""Bounds: each is an attribute of what causes it, the loosest of all counts, in one order."""

from pathlib import Path
from types import SimpleNamespace

import msgspec
import pytest
from expected_errors import raises

from mvmoe_deploy import part_lookup
from mvmoe_deploy.bundle.manifest import Bounds
from mvmoe_deploy.errors import InputError
from mvmoe_export.bounds import bounds_for
from mvmoe_export.compression import find_recipe
from mvmoe_export.rewrites import built_in, find_rewrite
from mvmoe_export.targets import find_target

DOCS = " ".join((Path(__file__).parents[2] / "docs" / "verify.md").read_text().split())

# Router error, answer error, PSNR, top-1 and routing agreement, factor of the model's own error and
# its cap: of the graphs as they are, and with GELU in its tanh form.
WRITTEN = {
    ("onnx", "fp32"): (
        (1e-4, 1e-4, 90.0, 1.0, 1.0, 8.0, 5e-3),
        (2e-3, 2e-3, 65.0, 1.0, 1.0, 8.0, 5e-3),
    ),
    ("executorch", "fp32"): (
        (1e-4, 1e-4, 90.0, 1.0, 1.0, 8.0, 5e-3),
        (2e-3, 2e-3, 65.0, 1.0, 1.0, 8.0, 5e-3),
    ),
    ("onnx", "int8"): (
        (0.2, 0.3, 22.0, 0.97, 0.995, 0.0, 0.0),
        (0.2, 0.3, 22.0, 0.97, 0.995, 0.0, 0.0),
    ),
    ("onnx", "int8-static"): (
        (0.3, 0.4, 18.0, 0.97, 0.995, 0.0, 0.0),
        (0.3, 0.4, 18.0, 0.97, 0.995, 0.0, 0.0),
    ),
    ("onnx", "int4"): (
        (0.5, 0.6, 10.0, 0.95, 0.99, 0.0, 0.0),
        (0.5, 0.6, 10.0, 0.95, 0.99, 0.0, 0.0),
    ),
    ("executorch", "int8"): (
        (0.2, 0.3, 22.0, 0.97, 0.995, 0.0, 0.0),
        (0.2, 0.3, 22.0, 0.97, 0.995, 0.0, 0.0),
    ),
    ("executorch", "int8-static"): (
        (0.3, 0.4, 18.0, 0.97, 0.995, 0.0, 0.0),
        (0.3, 0.4, 18.0, 0.97, 0.995, 0.0, 0.0),
    ),
    ("coreml", "int8"): (
        (0.2, 0.3, 22.0, 0.97, 0.995, 0.0, 0.0),
        (0.2, 0.3, 22.0, 0.97, 0.995, 0.0, 0.0),
    ),
    ("coreml", "int8-static"): (
        (0.3, 0.4, 18.0, 0.97, 0.995, 0.0, 0.0),
        (0.3, 0.4, 18.0, 0.97, 0.995, 0.0, 0.0),
    ),
    ("coreml", "palette-6"): (
        (0.2, 0.3, 22.0, 0.97, 0.995, 0.0, 0.0),
        (0.2, 0.3, 22.0, 0.97, 0.995, 0.0, 0.0),
    ),
    ("coreml", "palette-4"): (
        (0.5, 0.6, 10.0, 0.95, 0.99, 0.0, 0.0),
        (0.5, 0.6, 10.0, 0.95, 0.99, 0.0, 0.0),
    ),
    ("executorch", "fp16"): (
        (1e-2, 1e-2, 45.0, 1.0, 1.0, 16384.0, 5e-2),
        (1e-2, 1e-2, 45.0, 1.0, 1.0, 16384.0, 5e-2),
    ),
    ("coreml", "fp32"): (
        (1e-3, 1e-3, 70.0, 1.0, 1.0, 8.0, 5e-3),
        (2e-3, 2e-3, 65.0, 1.0, 1.0, 8.0, 5e-3),
    ),
    ("coreml", "fp16"): (
        (2e-2, 2e-2, 40.0, 1.0, 1.0, 16384.0, 5e-2),
        (2e-2, 2e-2, 40.0, 1.0, 1.0, 16384.0, 5e-2),
    ),
}
"""What manifests hold of each target and each recipe that it takes."""

REWRITES = tuple(rewrite.name for rewrite in built_in() if rewrite.bounds is None)
"""Those that keep what a graph computes."""


def numbers(bounds):
    return msgspec.structs.astuple(bounds)[:-1]


@pytest.mark.parametrize(("target", "precision"), WRITTEN)
def test_a_manifest_holds_these_numbers(target, precision):
    plain, tanh = WRITTEN[target, precision]
    bounds = bounds_for(find_target(target), precision)
    assert numbers(bounds) == plain
    assert bounds_for(find_target(target), precision, REWRITES) == bounds
    both = bounds_for(find_target(target), precision, [*REWRITES, "gelu-tanh"])
    assert numbers(both) == tanh
    assert both.reason == f"{bounds.reason}; {find_rewrite('gelu-tanh').bounds.reason}"


@pytest.mark.parametrize(("target", "precision"), WRITTEN)
def test_the_documentation_has_the_same_numbers(target, precision):
    bounds = bounds_for(find_target(target), precision)
    cells = [target, precision, f"{bounds.router_error:g}", f"{bounds.answer_error:g}"]
    cells += [f"{bounds.psnr_db:g}", f"{bounds.agreement:g}"]
    assert f"| {' | '.join(cells)} |" in DOCS


def test_the_documentation_has_every_reason():
    causes = [find_recipe(name).bounds for name in part_lookup.built_in_names("recipes")]
    causes += find_target("coreml").bounds.values()
    causes += [rewrite.bounds for rewrite in built_in() if rewrite.bounds is not None]
    assert len(causes) > 5
    assert all(bounds.reason and bounds.reason in DOCS for bounds in causes)


def test_a_target_that_says_nothing_is_as_near_as_any():
    assert bounds_for(object(), "fp16") == find_recipe("fp16").bounds


def test_each_cause_can_only_loosen():
    allowed = {"float32": Bounds(psnr_db=50.0, reason="loose"), "float16": Bounds(psnr_db=1.0)}
    target = SimpleNamespace(bounds=allowed)
    found = bounds_for(target, "fp32")
    assert (found.psnr_db, found.answer_error) == (50.0, 1e-4)
    assert found.reason == f"{find_recipe('fp32').bounds.reason}; loose"
    tanh = bounds_for(target, "fp32", ["gelu-tanh"])
    assert (tanh.psnr_db, tanh.answer_error) == (50.0, 2e-3)


def test_a_recipe_that_is_not_installed_is_named():
    with raises(InputError, "part.unknown", kind="recipes", name="fp3"):
        bounds_for(find_target("onnx"), "fp3")


def test_a_recipe_says_what_it_stores():
    names = ("fp32", "fp16", "int8", "int4")
    stored = [find_recipe(name).numbers[0].stored(4000) for name in names]
    assert stored == [4000, 2000, 1000, 500]


def test_what_graphs_compute_in_decides_on_the_targets_bounds():
    coreml = find_target("coreml")
    found = bounds_for(coreml, "int8", activations="float16")
    assert found.reason == f"{find_recipe('int8').bounds.reason}; {coreml.bounds['float16'].reason}"
    assert bounds_for(coreml, "int8") == find_recipe("int8").bounds

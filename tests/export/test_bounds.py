"""Bounds: one place, one reason each, and an order that makes sense."""

from pathlib import Path
from typing import get_args

import pytest

from mvmoe_deploy.bundle.manifest import Precision
from mvmoe_export.bounds import bounds_for

TARGETS = ("onnx", "executorch", "coreml", "somebody_elses")
DOCS = (Path(__file__).parents[2] / "docs" / "verify.md").read_text()


@pytest.mark.parametrize("precision", get_args(Precision))
@pytest.mark.parametrize("target", TARGETS)
def test_every_target_has_bounds_in_every_precision(target, precision):
    bounds = bounds_for(target, precision)
    assert bounds.reason
    assert 0 < bounds.router_error < 1
    assert 0 < bounds.answer_error < 1
    assert 0 <= bounds.top1_agreement <= 1
    assert bounds.routing_agreement == 1


@pytest.mark.parametrize("target", TARGETS)
def test_less_precision_is_allowed_more(target):
    fp32, fp16, int8 = (bounds_for(target, precision) for precision in ("fp32", "fp16", "int8"))
    assert fp32.answer_error < fp16.answer_error < int8.answer_error
    assert fp32.router_error < fp16.router_error < int8.router_error
    assert fp32.psnr_db > fp16.psnr_db > int8.psnr_db


def test_a_rewrite_that_approximates_is_allowed_more_but_never_less():
    exact, tanh = bounds_for("onnx", "fp32"), bounds_for("onnx", "fp32", ["views", "gelu-tanh"])
    assert bounds_for("onnx", "fp32", ["views", "slices"]) == exact
    assert (tanh.router_error, tanh.answer_error, tanh.psnr_db) == (2e-3, 2e-3, 65)
    assert tanh.reason.startswith(exact.reason)
    int8, both = bounds_for("onnx", "int8"), bounds_for("onnx", "int8", ["gelu-tanh"])
    assert (both.answer_error, both.psnr_db) == (int8.answer_error, int8.psnr_db)


@pytest.mark.parametrize("precision", get_args(Precision))
@pytest.mark.parametrize("target", TARGETS[:3])
def test_the_documentation_has_the_same_numbers(target, precision):
    bounds = bounds_for(target, precision)
    cells = [target, precision, f"{bounds.router_error:g}", f"{bounds.answer_error:g}"]
    cells += [f"{bounds.psnr_db:g}", f"{bounds.top1_agreement:g}"]
    assert f"| {' | '.join(cells)} |" in DOCS
    assert bounds.reason in " ".join(DOCS.split())

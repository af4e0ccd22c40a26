"""Unions of Experts as bundles: every route of both forms, exported, checked and run."""

import numpy as np
import pytest
import torch

from mvmoe_deploy import Dispatcher
from mvmoe_deploy.models import build
from mvmoe_deploy.models.families.uoe import UoEConfig
from mvmoe_export import export_bundle

SIZES = {
    "image_size": 16, "patch_size": 4, "in_channels": 1, "num_classes": 5, "width": 16, "depth": 1,
    "heads": 4,
}  # fmt: skip
SHARED, PER_BLOCK = {"depth": 2}, {"routers": "per-block"}


@pytest.mark.parametrize(
    ("fields", "strategy", "graphs"),
    [
        (SHARED, "dispatch", 1 + 6),
        (SHARED, "bind", 1 + 1),
        (PER_BLOCK, "dispatch", 1 + 6 + 6),
        (PER_BLOCK, "bind", 1 + 1 + 1),
        (PER_BLOCK, "experts", 1 + (4 + 1) + (4 + 1)),
    ],
)
def test_a_bundle_answers_as_the_model(tmp_path, fields, strategy, graphs):
    """2 of 4 experts are 6 routes."""
    model = build(UoEConfig(**{**SIZES, **fields}), seed=0).eval()
    generator = torch.Generator().manual_seed(1)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(0.2 * torch.randn(parameter.shape, generator=generator))
    # The export verifies every route; it raises where one falls short.
    manifest = export_bundle(model, tmp_path / "b", targets=("onnx",), strategy=strategy)
    assert len(manifest.targets["onnx"].graphs) == graphs
    images = torch.randn(8, 1, 16, 16, generator=generator)
    with torch.no_grad():
        output = model.forward_routed(images)
    with Dispatcher.open(tmp_path / "b") as dispatcher:
        given = dispatcher.run(images.numpy())["answer"]
    # fp32 in another order of summation, relative to the largest answer.
    scale = float(output.logits.abs().max())
    np.testing.assert_allclose(given, output.logits.numpy(), atol=1e-4 * scale, rtol=0)
    assert len(output.members[0].unique(dim=0)) > 1

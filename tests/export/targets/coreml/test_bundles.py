"""Core ML bundles from model to answer, through the dispatcher and the MIL evaluator."""

import numpy as np
import torch

from mvmoe_deploy import Dispatcher
from mvmoe_export import ExportOptions, export_bundle
from mvmoe_export.targets.coreml import CoreMLOptions

TOLERANCE = 1e-5
"""Relative to the largest answer, in fp32. GELU of erf form in place of tanh is off by 1e-4."""


def test_a_gather_graph_with_gelus_of_tanh_form_answers_as_pytorch(vmoe, tmp_path):
    model = vmoe(gelu="tanh", top_k=2, routers="per-layer")
    options = ExportOptions(targets={"coreml": CoreMLOptions(precision="fp32")})
    manifest = export_bundle(
        model, tmp_path / "a", targets=["coreml"], strategy="gather", options=options
    )
    (experts,) = manifest.targets["coreml"].graphs[1].inputs[2:]
    assert (experts.name, experts.dtype) == ("experts", "int32")
    images = np.random.default_rng(0).standard_normal((6, *model.input.shape), dtype=np.float32)
    with torch.no_grad():
        wanted = model(torch.from_numpy(images)).numpy()
    with Dispatcher.open(tmp_path / "a", "coreml") as dispatcher:
        given = dispatcher.run(images)["answer"]
    np.testing.assert_allclose(given, wanted, rtol=0, atol=TOLERANCE * np.abs(wanted).max())

"""Core ML bundles from model to answer, through the dispatcher and the MIL evaluator."""

import numpy as np
import torch
from torch import nn

from mvmoe_deploy import Dispatcher
from mvmoe_deploy.runtime.runners.coreml_reference.load import load_function
from mvmoe_export import ExportOptions, export_bundle
from mvmoe_export.targets.coreml import PART, CoreMLOptions

TOLERANCE = 1e-5
"""Relative to the largest answer, in fp32. GELU of erf form in place of tanh is off by 1e-4."""

INT8 = 2e-2
"""Relative to the largest answer: weights of 8 bits in three layers (measured: 8e-3)."""


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


def test_a_bundle_of_packed_weights_answers_and_gives_values_from_its_inside(vmoe, tmp_path):
    model = vmoe(depth=2, moe_layers=1)
    options = ExportOptions(targets={"coreml": CoreMLOptions(precision="int8")})
    manifest = export_bundle(model, tmp_path / "a", targets=["coreml"], options=options)
    record = manifest.targets["coreml"]
    assert record.precision == "int8"
    assert record.compression.layers > 0
    # Weights of layers take about half of the bytes, everything else as many as before.
    assert record.sizes.distinct_bytes < 0.6 * record.compression.plain_bytes
    (expert,) = {*record.sizes.expert_bytes[0]}
    steps = record.graphs[1:]
    assert [step.exclusive_bytes for step in steps] == [expert] * len(steps)
    images = np.random.default_rng(0).standard_normal((6, *model.input.shape), dtype=np.float32)
    with torch.no_grad():
        wanted = model(torch.from_numpy(images)).numpy()
    with Dispatcher.open(tmp_path / "a", "coreml") as dispatcher:
        given = dispatcher.run(images)["answer"]
    np.testing.assert_allclose(given, wanted, rtol=0, atol=INT8 * np.abs(wanted).max())

    tap = PART.tap(tmp_path / "a", record, record.graphs[0])
    assert not any(operator.kind.startswith("const") for operator in tap.operators)
    (value,) = [one.gives[0] for one in tap.operators if one.kind == "conv"]
    written = tap.write(tmp_path, [value])
    function = load_function(tmp_path / written.file, written.entry)
    values = function.run({"image": images[:1]})
    (conv,) = (layer for layer in model.modules() if isinstance(layer, nn.Conv2d))
    with torch.no_grad():
        wanted = conv(torch.from_numpy(images[:1])).numpy()
    given = values[written.outputs[-1].name]
    np.testing.assert_allclose(given, wanted, rtol=0, atol=INT8 * np.abs(wanted).max())

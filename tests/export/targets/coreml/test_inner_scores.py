"""Gates that a graph of Core ML computes by itself are the softmax of fp32 numbers."""

from dataclasses import replace

import coremltools as ct
import pytest
import torch
from coremltools.proto import MIL_pb2

from mvmoe_deploy.bundle import Bundle
from mvmoe_deploy.models.families.mobile_vmoe import PART
from mvmoe_export import restricted


@pytest.mark.parametrize(("route", "k"), [((2,), 1), ((0, 3), 2)])
def test_scores_of_a_constant_route_are_computed_in_fp32(route, k, export):
    torch.manual_seed(0)
    config = replace(PART.presets()["digits"], width=16, depth=2, moe_layers=1, heads=2, top_k=k)
    model = restricted(PART.build(config).eval(), constant_routes={1: route})
    bundle = Bundle.open(export(model, targets=["coreml"]))
    target = bundle.target("coreml")
    assert target.precision == "fp16"
    assert target.parity is not None
    (graph,) = target.graphs
    spec = ct.models.utils.load_spec(str(bundle.path / graph.file))
    types = {}
    for function in spec.mlProgram.functions.values():
        (block,) = function.block_specializations.values()
        for operation in block.operations:
            if operation.type == "softmax":
                given = operation.outputs[0].type.tensorType
                types.setdefault(given.rank, set()).add(given.dataType)
    assert types.pop(2) == {MIL_pb2.FLOAT32}
    # Attention has other ranks, and is computed as all else is.
    assert set().union(*types.values()) == {MIL_pb2.FLOAT16}

"""Writes failing_step.onnx, which loads as an expert's graph of the bundle `dispatch`, and fails.

The bundle is one of tests/conformance/answers. The graph takes a row that the tokens do not have,
which no engine can know before it computes.
"""

from pathlib import Path

import onnx
from onnx import TensorProto, helper

FLOAT, INT64 = TensorProto.FLOAT, TensorProto.INT64

graph = helper.make_graph(
    [
        helper.make_node("ReduceMax", ["gates"], ["gate"], keepdims=0),
        helper.make_node("Add", ["gate", "far"], ["place"]),
        helper.make_node("Cast", ["place"], ["row"], to=INT64),
        helper.make_node("Gather", ["tokens", "row"], ["token"], axis=1),
        helper.make_node("Slice", ["token", "zero", "five", "one"], ["answer"]),
    ],
    "failing_step",
    [
        helper.make_tensor_value_info("tokens", FLOAT, [1, 5, 16]),
        helper.make_tensor_value_info("gates", FLOAT, [1, 1]),
    ],
    [helper.make_tensor_value_info("answer", FLOAT, [1, 5])],
    [
        helper.make_tensor("far", FLOAT, [], [100.0]),
        helper.make_tensor("zero", INT64, [1], [0]),
        helper.make_tensor("five", INT64, [1], [5]),
        helper.make_tensor("one", INT64, [1], [1]),
    ],
)
model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
onnx.checker.check_model(model)
onnx.save(model, Path(__file__).with_suffix(".onnx"))

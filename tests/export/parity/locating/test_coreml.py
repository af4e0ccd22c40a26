"""One wrong op in an ML Program: the verification names it, and no other."""

import pytest
from coremltools.proto import Model_pb2

MODEL = "coreml/model.mlpackage/Data/com.apple.CoreML/model.mlmodel"


@pytest.fixture
def plant(copy):
    """Changes the op of a function that makes a value; gives the bundle."""

    def run(graph, value, change):
        model = Model_pb2.Model()
        model.ParseFromString((copy / MODEL).read_bytes())
        function = model.mlProgram.functions[graph]
        ops = function.block_specializations[function.opset].operations
        change(next(op for op in ops if op.outputs[0].name == value), ops)
        (copy / MODEL).write_bytes(model.SerializeToString())
        return copy

    return run


def relu(op, ops):
    op.type = "relu"
    del op.inputs["mode"]


def add(op, ops):
    op.type = "add"


def subtract(op, ops):
    op.type = "sub"


def without_bias(op, ops):
    del op.inputs["bias"]


PLANTED = [
    (("step1_e1", "gelu_cast_fp16", relu), ("relu", "aten.gelu.default", "experts.0.1.1")),
    (("step1_e0", "mul_cast_fp16", add), ("add", "aten.mul.Tensor", "experts.0.0.3")),
    (("step1_e0", "add_cast_fp16", subtract), ("sub", "aten.add.Tensor", "head")),
    (
        ("stem", "linear_0_cast_fp16", without_bias),
        ("linear", "aten.linear.default", "embed"),
    ),
]


@pytest.mark.parametrize(("planted", "named"), PLANTED)
def test_the_planted_op_is_named(plant, found, planted, named):
    fault = found(plant(*planted), "coreml").fault
    assert (fault.graph, fault.engine_value) == planted[:2]
    assert (fault.engine_operator, fault.operator, fault.layer) == named


def test_a_healthy_target_has_no_fault(bundle, found):
    result = found(bundle, "coreml")
    assert result.row.ok and result.fault is None

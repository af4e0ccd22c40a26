"""What ONNX Runtime's session recorded of its own cutting, on the CPU provider that is here."""

from collections import Counter

import pytest
from expected_errors import raises

from mvmoe_deploy.errors import EngineError, MissingExtraError
from mvmoe_deploy.runtime.runners.onnx.operator_placement import (
    CPU_PROVIDER,
    RECORD_ASSIGNMENT,
    assigned,
    assignment,
)

onnx = pytest.importorskip("onnx")
onnxruntime = pytest.importorskip("onnxruntime")


@pytest.fixture
def model(tmp_path):
    """Two products and a sum; nothing in it can be fused before the provider is asked."""
    value = onnx.helper.make_tensor_value_info
    graph = onnx.helper.make_graph(
        [
            onnx.helper.make_node("MatMul", ["x", "x"], ["a"]),
            onnx.helper.make_node("MatMul", ["a", "x"], ["b"]),
            onnx.helper.make_node("Tanh", ["b"], ["y"]),
        ],
        "graph",
        [value("x", onnx.TensorProto.FLOAT, [4, 4])],
        [value("y", onnx.TensorProto.FLOAT, [4, 4])],
    )
    made = onnx.helper.make_model(graph, opset_imports=[onnx.helper.make_opsetid("", 20)])
    made.ir_version = 10
    path = tmp_path / "model.onnx"
    onnx.save(made, path)
    return path


def test_the_nodes_of_a_graph_by_the_provider_that_got_them(model):
    assert assignment(model) == {CPU_PROVIDER: Counter(MatMul=2, Tanh=1)}


def test_a_session_that_recorded_can_be_asked_itself(model):
    options = onnxruntime.SessionOptions()
    options.add_session_config_entry(RECORD_ASSIGNMENT, "1")
    session = onnxruntime.InferenceSession(model, options, providers=[CPU_PROVIDER])
    assert assigned(session) == assignment(model, options=onnxruntime.SessionOptions())


def test_a_session_that_did_not_record_says_how(model):
    session = onnxruntime.InferenceSession(model, providers=[CPU_PROVIDER])
    with raises(EngineError, "engine.failed", name=RECORD_ASSIGNMENT):
        assigned(session)


def test_what_cannot_be_opened_is_one_sentence(model, tmp_path, monkeypatch):
    bad = tmp_path / "bad.onnx"
    bad.write_bytes(b"nothing")
    with raises(EngineError, "engine.failed", file=str(bad)):
        assignment(bad)
    with raises(EngineError, "engine.failed", name="NoSuchProvider"):
        assignment(model, ["NoSuchProvider"])
    monkeypatch.setitem(__import__("sys").modules, "onnxruntime", None)
    with pytest.raises(
        MissingExtraError,
        check=lambda error: (error.code, error.fields["extra"]) == ("extra.missing", "onnx"),
    ):
        assignment(model)

"""PyTorch's table of ONNX functions: read once, and each export has one of its own."""

import pytest
from torch.onnx._internal.exporter import _registration
from torch.onnx._internal.exporter._registration import ONNXRegistry

from mvmoe_export.targets.onnx import torchlib

OPERATOR = "aten::relu"


@pytest.fixture
def readings(monkeypatch):
    """The calls that read the functions of torchlib."""
    calls = []
    read = _registration.onnxscript_apis.get_torchlib_ops
    monkeypatch.setattr(
        _registration.onnxscript_apis, "get_torchlib_ops", lambda: calls.append(1) or read()
    )
    torchlib._kept.cache_clear()
    return calls


def names(table):
    return {operator: len(found) for operator, found in table.functions.items()}


def test_two_exports_of_an_operator_set_read_it_once(readings):
    wanted = names(ONNXRegistry.from_torchlib(20))
    readings.clear()
    for _ in range(2):
        with torchlib.table_read_once():
            table = ONNXRegistry().from_torchlib(opset_version=20)
        assert names(table) == wanted
        assert table.opset_version == 20
    assert len(readings) == 1
    ONNXRegistry.from_torchlib(20)
    assert len(readings) == 2


def test_what_one_export_adds_is_not_in_the_next_ones_table():
    with torchlib.table_read_once():
        first = ONNXRegistry().from_torchlib(opset_version=20)
        first.functions[OPERATOR].clear()
        first.functions["mine::one"] = []
        second = ONNXRegistry().from_torchlib(opset_version=20)
    assert second.functions[OPERATOR]
    assert "mine::one" not in second.functions


def test_operator_sets_have_tables_of_their_own():
    with torchlib.table_read_once():
        old, new = (ONNXRegistry().from_torchlib(opset_version=opset) for opset in (18, 23))
    assert (old.opset_version, new.opset_version) == (18, 23)

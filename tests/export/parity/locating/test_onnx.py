"""One wrong operator in an ONNX graph: the verification names it, and no other."""

import msgspec
import onnx
import pytest

from mvmoe_deploy.bundle import Bundle
from mvmoe_deploy.verification.bundle_verification import verify_bundle
from mvmoe_deploy.verification.report_data import report_data
from mvmoe_export import export_bundle


def kind(name):
    """Makes a node one of another type."""

    def change(node):
        node.op_type = name
        del node.attribute[:]

    return change


def epsilon(node):
    (attribute,) = [one for one in node.attribute if one.name == "epsilon"]
    attribute.f = 0.5


PLANTED = [
    (("step1_e0", "layer_norm", epsilon), ("aten.layer_norm.default", "experts.0.0.1")),
    (("step1_e1", "gelu", kind("Relu")), ("aten.gelu.default", "experts.0.1.1")),
    (("step1_e1", "mul", kind("Add")), ("aten.mul.Tensor", "experts.0.1.3")),
    (("step1_e0", "add", kind("Sub")), ("aten.add.Tensor", "head")),
]


@pytest.mark.parametrize(("planted", "named"), PLANTED)
def test_the_planted_operator_is_named(plant_onnx, found, planted, named):
    graph, value, _ = planted
    fault = found(plant_onnx(*planted), "onnx").fault
    assert (fault.graph, fault.node, fault.engine_value) == (graph, value, value)
    assert (fault.operator, fault.layer) == named
    assert fault.error > fault.bound == 1e-4


def test_one_weight_of_a_linear_layer_is_its_operator(copy, found):
    path = copy / "onnx" / "step1_e0.onnx"
    proto = onnx.load(path)
    (weight,) = [one for one in proto.graph.initializer if one.name == "stage.experts.0.3.weight"]
    array = onnx.numpy_helper.to_array(weight).copy()
    array[3, 5] += 1
    weight.CopyFrom(onnx.numpy_helper.from_array(array, weight.name))
    path.write_bytes(proto.SerializeToString())
    fault = found(copy, "onnx").fault
    assert (fault.graph, fault.engine_operator) == ("step1_e0", "Gemm")
    assert (fault.operator, fault.node) == ("aten.linear.default", "linear_1")
    assert fault.layer == "experts.0.0.3"


def test_an_error_that_a_stage_passes_on_is_not_found_in_later_ones(plant_onnx, found):
    def negative(node):
        (alpha,) = [one for one in node.attribute if one.name == "alpha"]
        alpha.f = -1.0

    result = found(plant_onnx("stem", "logits", negative), "onnx")
    assert (result.fault.stage, result.fault.graph) == (0, "stem")
    assert {failure.stage for failure in result.row.failures} > {0}
    assert result.fault.engine_value == "logits"
    assert result.fault.layer == "routers.0"


def test_report_and_sentence_have_the_operator(plant_onnx, found):
    result = found(plant_onnx("step1_e0", "gelu", kind("Relu")), "onnx")
    data = msgspec.to_builtins(report_data(result.report, "bundle"))["targets"]["onnx"]["fault"]
    assert (data["graph"], data["operator"], data["reason"]) == (
        "step1_e0",
        "aten.gelu.default",
        None,
    )
    assert data["sentence"] in result.report.shortfall
    assert result.report.fields["operator"] == "aten.gelu.default"
    assert "it begins in graph step1_e0 (stage 1) at operator aten.gelu.default" in data["sentence"]


def test_golden_vectors_alone_tell_no_operator(plant_onnx):
    path = plant_onnx("step1_e0", "gelu", kind("Relu"))
    row = verify_bundle(Bundle.open(path), targets=["onnx"]).targets["onnx"]
    assert row.failures and row.fault is None


def test_a_healthy_target_has_no_fault(bundle, found):
    result = found(bundle, "onnx")
    assert result.row.ok and result.fault is None


def test_the_operator_of_a_graph_to_which_weights_are_bound_is_named(model, tmp_path, found):
    path = tmp_path / "bound.bundle"
    export_bundle(model, path, targets=["onnx"], strategy="bind", skip_verify=True)
    (file,) = {graph.file for graph in Bundle.open(path).target("onnx").graphs if graph.bound}
    proto = onnx.load(path / file)
    (gelu,) = [node for node in proto.graph.node if node.op_type == "Gelu"]
    kind("Tanh")(gelu)
    (path / file).write_bytes(proto.SerializeToString())
    fault = found(path, "onnx").fault
    assert (fault.operator, fault.engine_operator) == ("aten.gelu.default", "Tanh")
    assert fault.layer == f"experts.0.{fault.route[0]}.1"

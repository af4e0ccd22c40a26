"""One wrong node in a `.pte`, inside of XNNPACK's piece or a kernel: it is named, and no other."""

from pathlib import Path

import pytest
from executorch.exir._serialize._program import deserialize_pte_binary, serialize_pte_binary

from mvmoe_deploy.runtime.isolated import isolated_runners
from mvmoe_export.targets.executorch import payloads
from mvmoe_export.targets.executorch.payloads import Payload


def written(path, program):
    data = serialize_pte_binary(program, extract_delegate_segments=True)
    path.write_bytes(bytes(data))


@pytest.fixture
def plant(copy):
    """Changes the only node of a type in a method's piece, or one of them; gives the bundle."""

    def run(method, kind, number, change):
        path = copy / "executorch" / "model.pte"
        file = deserialize_pte_binary(path.read_bytes())
        (plan,) = [one for one in file.program.execution_plan if one.name == method]
        piece = file.program.backend_delegate_data[plan.delegates[0].processed.index]
        payload = Payload(bytes(piece.data))
        nodes = [one for one in payload._graph["xnodes"] if one["xnode_union_type"] == kind]
        change(nodes[number])
        piece.data = payload.with_outputs([])
        written(path, file)
        return copy

    return run


def becomes(kind):
    def change(node):
        node["xnode_union_type"] = kind

    return change


def without_bias(node):
    node["xnode_union"]["bias_id"] = payloads._NONE


PLANTED = [
    (
        ("step1_e1", "XNNGelu", 0, becomes("XNNTanh")),
        ("XNNTanh", "aten.gelu.default", "experts.0.1.1"),
    ),
    (
        ("step1_e0", "XNNSubtract", 0, becomes("XNNAdd")),
        ("XNNAdd", "aten.sub.Tensor", "experts.0.0.0"),
    ),
    (
        ("step1_e1", "XNNAdd", 2, becomes("XNNSubtract")),
        ("XNNSubtract", "aten.add.Tensor", "head"),
    ),
    (
        ("step1_e0", "XNNFullyConnected", 3, without_bias),
        ("XNNFullyConnected", "aten.linear.default", "experts.0.0.3"),
    ),
]


@pytest.mark.parametrize(("planted", "named"), PLANTED)
def test_the_planted_node_is_named(plant, found, planted, named):
    fault = found(plant(*planted), "executorch").fault
    assert fault.graph == planted[0]
    assert (fault.engine_operator, fault.operator, fault.layer) == named


def test_a_copy_of_a_method_runs_in_a_process_of_its_own(plant, found):
    path = plant("step1_e1", "XNNGelu", 0, becomes("XNNTanh"))
    with isolated_runners() as open_runner:
        fault = found(path, "executorch", open_runner=open_runner).fault
    assert (fault.operator, fault.engine_operator) == ("aten.gelu.default", "XNNTanh")


@pytest.mark.parametrize("name", ["executorch", "executorch-portable"])
def test_a_healthy_target_has_no_fault(bundle, found, name):
    result = found(bundle, name)
    assert result.row.ok and result.fault is None


def test_a_kernel_between_pieces_is_named(copy, found):
    path = Path(copy, "executorch", "model-portable.pte")
    file = deserialize_pte_binary(path.read_bytes())
    (plan,) = [one for one in file.program.execution_plan if one.name == "step1_e0"]
    (gelu,) = [one for one in plan.operators if one.name == "aten::gelu"]
    gelu.name, gelu.overload = "aten::tanh", "out"
    for instruction in plan.chains[0].instructions:
        call = instruction.instr_args
        if plan.operators[call.op_index] is gelu:
            taken, _, *made = call.args
            call.args = [taken, *made]
    written(path, file)
    fault = found(copy, "executorch-portable").fault
    assert (fault.graph, fault.engine_operator) == ("step1_e0", "tanh")
    assert fault.operator == "aten.gelu.default"

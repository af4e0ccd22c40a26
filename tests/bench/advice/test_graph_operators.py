"""What targets say of the operators in real files, with known answers."""

import msgspec
import pytest
from expected_errors import raises

from mvmoe_bench.advice import OperatorTensor
from mvmoe_bench.advice.graph_view import view_target
from mvmoe_deploy.errors import BundleError
from mvmoe_export.targets import find_target

onnx = pytest.importorskip("onnx")


def operators(format_, root, record):
    """The operators of a record's only graph."""
    (graph,) = record.graphs
    return find_target(format_).read_operators(root, graph.file)(graph)


@pytest.mark.parametrize("name", ["onnx", "coreml"])
def test_the_multiply_adds_of_a_route_are_the_models(exported, name):
    viewed, read_errors = view_target(exported.ours, name)
    assert [findings for _, findings in read_errors if findings] == []
    stem, expert, *_ = viewed.graphs
    assert (stem.stage, expert.stage, expert.route) == (0, 1, (0,))
    # NNAPI's graphs take their means as products with a constant column.
    told = sum(op.macs for graph in (stem, expert) for op in graph.ops if not is_mean(op))
    assert told == exported.ours.manifest.model.macs


def is_mean(op):
    return op.type == "MatMul" and op.outputs[0].shape[-1] == 1


def test_naive_onnx_has_the_models_multiply_adds_too(exported):
    viewed, _ = view_target(exported.naive, "onnx")
    stem, expert, *_ = viewed.graphs
    assert stem.macs + expert.macs == exported.naive.manifest.model.macs


def write_onnx(folder, *nodes, inputs, outputs, initializers=()):
    """A graph of nodes, and the name of its file."""
    graph = onnx.helper.make_graph(
        [onnx.helper.make_node(kind, reads, [gives], **rest) for kind, reads, gives, rest in nodes],
        "graph",
        [
            onnx.helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, shape)
            for name, shape in inputs.items()
        ],
        [onnx.helper.make_empty_tensor_value_info(name) for name in outputs],
        [
            onnx.helper.make_tensor(name, onnx.TensorProto.FLOAT, shape, bytes(4 * size), raw=True)
            for name, shape, size in initializers
        ],
    )
    (folder / "g0.onnx").write_bytes(onnx.helper.make_model(graph).SerializeToString())
    return "g0.onnx"


def test_onnx_operators_have_shapes_kernels_and_multiply_adds(hand, tmp_path):
    nodes = [
        ("Conv", ["x", "w"], "a", {"strides": [8, 8]}),
        ("MatMul", ["a", "v"], "b", {}),
        ("Gemm", ["p", "q"], "c", {"transA": 1}),
        ("NonZero", ["b"], "d", {}),
        ("Unsqueeze", ["c", "axes"], "e", {}),
    ]
    file = write_onnx(
        tmp_path,
        *nodes,
        inputs={"x": [1, 3, 32, 32], "p": [5, 2], "q": [5, 7], "axes": ["n"]},
        outputs=("d", "e"),
        initializers=[("w", [4, 3, 8, 8], 768), ("v", [4, 6], 24)],
    )
    ops = operators("onnx", tmp_path, hand.record("onnx", files=(file,)))
    conv, matmul, gemm, nonzero, unsqueeze = ops
    assert (conv.kernel, conv.macs) == ((8, 8), 4 * 4 * 4 * 3 * 8 * 8)
    assert conv.outputs == (OperatorTensor((1, 4, 4, 4), "float32"),)
    assert matmul.macs == 4 * 4 * 6 * 4
    assert gemm.macs == 2 * 7 * 5
    assert nonzero.outputs[0].shape == (4, None)
    assert unsqueeze.outputs[0].rank == 0, "its rank is not known"


def test_layers_of_an_onnx_graph_whose_weights_are_no_constants(hand, tmp_path):
    nodes = [
        ("Conv", ["x", "w"], "a", {}),
        ("Conv", ["x", "made"], "b", {}),
        ("Conv", ["x", "w", "p"], "c", {}),
        ("ConvTranspose", ["x", "w", "", "p"], "d", {}),
        ("Gemm", ["p", "both"], "e", {}),
        ("Gemm", ["w", "v"], "f", {}),
        ("MatMul", ["w", "p"], "g", {}),
    ]
    file = write_onnx(
        tmp_path,
        ("Relu", ["w"], "made", {}),
        *nodes,
        inputs={"x": [1, 3, 8, 8], "p": [2, 2], "both": [2, 2]},
        outputs=("g",),
        # A graph may be run without an input that is an initializer too, or with it.
        initializers=[("w", [4, 3, 2, 2], 48), ("v", [2, 2], 4), ("both", [2, 2], 4)],
    )
    ops = operators("onnx", tmp_path, hand.record("onnx", files=(file,)))
    assert [op.dynamic for op in ops] == [False, False, False, True, True, True, False, False]


def test_operators_types_are_made_fit_for_a_terminal(hand, tmp_path):
    nodes = [("\x1b[2J" + "x" * 99, ["x"], "a", {"domain": "odd"})]
    file = write_onnx(tmp_path, *nodes, inputs={"x": [1]}, outputs=("a",))
    (op,) = operators("onnx", tmp_path, hand.record("onnx", files=(file,)))
    assert op.type == "\\x1b[2J" + "x" * 53 + "..."


def test_sizes_that_no_memory_has_are_kept_where_arithmetic_is_safe(hand, tmp_path):
    huge = [2**62] * 30
    nodes = [("MatMul", ["x", "w"], "a", {}), ("MatMul", ["m", "w"], "b", {})]
    file = write_onnx(
        tmp_path, *nodes, inputs={"x": huge, "w": huge, "m": [-5, -7]}, outputs=("a", "b")
    )
    ops = operators("onnx", tmp_path, hand.record("onnx", files=(file,)))
    assert all(0 <= op.macs <= 2**62 for op in ops)


def test_files_that_are_no_graphs_are_said_to_be_none(hand, tmp_path):
    (tmp_path / "bad.onnx").write_bytes(b"\xff\xff\xff")
    (tmp_path / "empty").mkdir()
    with raises(BundleError, "bundle.invalid", file="bad.onnx"):
        find_target("onnx").read_operators(tmp_path, "bad.onnx")
    for format_, file in (("onnx", "none.onnx"), ("coreml", "empty"), ("coreml", "none")):
        with pytest.raises(BundleError) as caught:
            find_target(format_).read_operators(tmp_path, file)
        assert caught.value.code in ("bundle.file-missing", "bundle.invalid")


@pytest.fixture(scope="module")
def package(tmp_path_factory):
    """A Core ML package with what the Neural Engine minds."""
    ct = pytest.importorskip("coremltools")
    import numpy as np
    from coremltools.converters.mil.mil import Builder as mb  # noqa: N813

    weight = np.zeros((4, 3, 8, 8), np.float16)
    spec = mb.TensorSpec((1, 3, 32, 32), dtype=ct.converters.mil.mil.types.fp16)

    @mb.program(input_specs=[spec], opset_version=ct.target.iOS16)
    def program(image):
        patches = mb.conv(x=image, weight=weight, strides=[8, 8], pad_type="valid")
        corner = mb.slice_by_size(x=image, begin=[0, 0, 0, 0], size=[1, 3, 8, 8])
        mixed = mb.conv(x=image, weight=corner, strides=[8, 8], pad_type="valid")
        rows = mb.reshape(x=patches, shape=[4, 16])
        products = mb.matmul(x=rows, y=rows, transpose_x=True)
        split = mb.reshape(x=products, shape=[1, 2, 2, 8, 8])
        best, places = mb.topk(x=rows, k=2, axis=1)
        return split, best, mb.cast(x=places, dtype="int32"), mixed

    folder = tmp_path_factory.mktemp("package")
    model = ct.convert(program, convert_to="mlprogram", minimum_deployment_target=ct.target.iOS16)
    model.save(str(folder / "model.mlpackage"))
    return folder


def test_core_ml_operators_have_shapes_kernels_and_multiply_adds(hand, package):
    ops = operators("coreml", package, hand.record(files=("model.mlpackage",)))
    found = {op.type: op for op in ops}
    assert "const" not in found
    (conv, mixed), matmul = (op for op in ops if op.type == "conv"), found["matmul"]
    assert (conv.dynamic, mixed.dynamic) == (False, True)
    assert (conv.kernel, conv.macs) == ((8, 8), 4 * 4 * 4 * 3 * 8 * 8)
    assert conv.outputs[0] == OperatorTensor((1, 4, 4, 4), "float16")
    assert matmul.macs == 16 * 16 * 4, "the axis that is summed is the first: x is transposed"
    assert [tensor.dtype for tensor in found["topk"].outputs] == ["float16", "int32"]
    assert max(tensor.rank for op in ops for tensor in op.outputs) == 5


def test_a_function_that_is_not_there_is_said_so(hand, package):
    record = hand.record(files=("model.mlpackage",))
    graphs = (msgspec.structs.replace(record.graphs[0], entry="other"),)
    with raises(BundleError, "bundle.invalid", file="model.mlpackage", name="other"):
        operators("coreml", package, msgspec.structs.replace(record, graphs=graphs))

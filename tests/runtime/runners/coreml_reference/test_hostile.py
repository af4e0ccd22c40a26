"""Packages that are damaged or made to do harm: one sentence each, and never much memory."""

import json
import resource
import time

import numpy as np
import pytest
from expected_errors import raises

from mvmoe_deploy.errors import BundleError, EngineError, MvmoeError
from mvmoe_deploy.runtime.runners.coreml_reference.coremltools_imports import MIL_pb2, Model_pb2
from mvmoe_deploy.runtime.runners.coreml_reference.load import load_function


def refused(path, kind=MvmoeError):
    """The sentence with which a package does not load."""
    with pytest.raises(kind) as caught:
        load_function(path)
    message = str(caught.value)
    assert message
    assert "\n" not in message
    assert "copy.mlpackage" in message
    return message


def edit(damaged, change):
    """Change the program of a package."""
    model = Model_pb2.Model()
    model.ParseFromString(damaged.model.read_bytes())
    function = model.mlProgram.functions["main"]
    change(function.block_specializations[function.opset], function, model)
    damaged.model.write_bytes(model.SerializeToString())


def op(block, kind):
    return next(operation for operation in block.operations if operation.type == kind)


def blob(block):
    """The first constant that lies in the weight file."""
    return next(
        operation.attributes["val"]
        for operation in block.operations
        if operation.attributes["val"].HasField("blobFileValue")
    )


# The package.


@pytest.mark.parametrize("name", ["Manifest.json", "Data/com.apple.CoreML/model.mlmodel"])
@pytest.mark.parametrize("data", [b"", b"garbage", b"[" * 100_000, b"\x08\x0a" * 1000, b"{}"])
def test_files_of_garbage(damaged, name, data):
    (damaged.path / name).write_bytes(data)
    refused(damaged.path, BundleError)


@pytest.mark.parametrize(
    "name",
    [
        "Manifest.json",
        "Data/com.apple.CoreML/model.mlmodel",
        "Data/com.apple.CoreML/weights/weight.bin",
    ],
)
def test_missing_files_and_links(damaged, name):
    file = damaged.path / name
    file.rename(damaged.path.parent / "elsewhere")
    assert "is missing" in refused(damaged.path, BundleError)
    file.symlink_to(damaged.path.parent / "elsewhere")
    assert "symbolic link" in refused(damaged.path, BundleError)
    file.unlink()
    file.mkdir()
    assert "not a regular file" in refused(damaged.path, BundleError)


@pytest.mark.parametrize("where", ["../model", "/etc/passwd", "", "a/../../model", 7, None, "a\0b"])
def test_a_manifest_that_points_elsewhere(damaged, where):
    manifest = json.loads((damaged.path / "Manifest.json").read_text())
    manifest["itemInfoEntries"][manifest["rootModelIdentifier"]]["path"] = where
    (damaged.path / "Manifest.json").write_text(json.dumps(manifest))
    refused(damaged.path, BundleError)


@pytest.mark.parametrize("entries", ["text", [], ["a"], None, {"0": []}, {"0": "text"}])
@pytest.mark.parametrize("root", [0, "0", 5, None])
def test_a_manifest_of_other_types_than_it_should_have(damaged, entries, root):
    content = {"itemInfoEntries": entries, "rootModelIdentifier": root}
    (damaged.path / "Manifest.json").write_text(json.dumps(content))
    assert "names no model" in refused(damaged.path, BundleError)


def test_what_is_no_package(tmp_path):
    path = tmp_path / "copy.mlpackage"
    assert "is no directory" in refused(path, BundleError)
    path.write_bytes(b"")
    assert "is no directory" in refused(path, BundleError)
    path.unlink()
    path.mkdir()
    assert "Manifest.json" in refused(path, BundleError)


def test_a_model_file_of_absurd_size(damaged):
    with damaged.model.open("r+b") as file:
        file.truncate(1 << 40)
    assert "more than" in refused(damaged.path, BundleError)


def test_a_model_that_is_no_program(damaged):
    model = Model_pb2.Model(specificationVersion=5)
    model.identity.SetInParent()
    damaged.model.write_bytes(model.SerializeToString())
    assert "is not an ML Program" in refused(damaged.path, BundleError)


def test_a_description_of_another_program(damaged):
    def change(block, function, model):
        model.description.output[0].name = "other"

    edit(damaged, change)
    assert "has the outputs ['other'], but its program ['out']" in refused(damaged.path)


# The weights.


@pytest.mark.parametrize(
    "name", ["@model_path/../secret", "@model_path/weights/none", "/etc/passwd", "a\nb", "a" * 5000]
)
def test_weights_elsewhere(damaged, name):
    (damaged.path.parent / "secret").write_bytes(damaged.weights.read_bytes())
    edit(damaged, lambda block, *_: setattr(blob(block).blobFileValue, "fileName", name))
    refused(damaged.path)


@pytest.mark.parametrize("offset", [1, 63, 65, 1 << 30, 2**64 - 1])
def test_offsets_that_are_no_blob(damaged, offset):
    edit(damaged, lambda block, *_: setattr(blob(block).blobFileValue, "offset", offset))
    assert "blob" in refused(damaged.path, EngineError)


@pytest.mark.parametrize("field", [4, 8, 16])
def test_blob_records_that_lie(damaged, field):
    """Type, size and start of the data, as large as they get."""
    data = bytearray(damaged.weights.read_bytes())
    for start in range(0, len(data) - 64, 64):
        if data[start : start + 4] == b"\xef\xbe\xad\xde":
            data[start + field : start + field + 4] = b"\xff" * 4
    damaged.weights.write_bytes(data)
    assert "does not hold" in refused(damaged.path, EngineError)


@pytest.mark.parametrize("size", [0, 10, 64, 500])
def test_weights_that_are_cut_off(damaged, size):
    damaged.weights.write_bytes(damaged.weights.read_bytes()[:size])
    refused(damaged.path)


# The program.


def test_an_unknown_op_is_named_with_its_output_and_function(damaged):
    edit(damaged, lambda block, *_: setattr(op(block, "silu"), "type", "teleport"))
    message = refused(damaged.path, EngineError)
    assert "function main" in message
    assert "op teleport (silu_cast_fp16): coremltools does not know this op" in message


def test_an_op_that_is_not_evaluated_is_named(op_package, coreml):
    def build(x):
        return coreml.mb.random_normal(shape=np.int32([2, 3]), mean=0.0, stddev=1.0, seed=1)

    with raises(EngineError, "engine.failed", operator="random_normal", found="no kernel"):
        load_function(op_package(build, np.zeros((1, 2), np.float32)))


def test_nested_blocks(damaged):
    edit(damaged, lambda block, *_: op(block, "silu").blocks.add())
    assert "op silu (silu_cast_fp16): it has nested blocks" in refused(damaged.path, EngineError)


def test_an_op_that_reads_itself(damaged):
    def change(block, *_):
        silu = op(block, "silu")
        silu.inputs["x"].arguments[0].name = silu.outputs[0].name

    edit(damaged, change)
    assert "which no op before it gives" in refused(damaged.path, EngineError)


def test_names_that_a_terminal_would_obey(damaged):
    def change(block, *_):
        silu = op(block, "silu")
        silu.type = silu.outputs[0].name = "a\n\x1b[2J" + "x" * 10_000

    edit(damaged, change)
    message = refused(damaged.path, EngineError)
    assert message.isprintable()
    assert len(message) < 1000


def test_two_values_of_one_name(damaged):
    edit(damaged, lambda block, *_: block.operations.append(op(block, "silu")))
    assert "two values are called" in refused(damaged.path, EngineError)


@pytest.mark.parametrize("name", ["", "nothing"])
def test_outputs_that_are_not_there(damaged, name):
    def change(block, *_):
        del block.outputs[:]
        block.outputs.extend([name] if name else [])

    edit(damaged, change)
    assert "its outputs" in refused(damaged.path, EngineError)


@pytest.mark.parametrize("opset", ["", "CoreML99", "CoreML3"])
def test_versions_that_are_not_known(damaged, opset):
    edit(damaged, lambda block, function, _: setattr(function, "opset", opset))
    assert "it is written for" in refused(damaged.path, EngineError)


@pytest.mark.parametrize("inputs", [{}, {"x": 2}, {"y": 1}, {"x": 1, "z": 1}])
def test_ops_of_other_inputs(damaged, inputs):
    def change(block, *_):
        silu = op(block, "silu")
        name = silu.inputs["x"].arguments[0].name
        silu.ClearField("inputs")
        for key, count in inputs.items():
            for _ in range(count):
                silu.inputs[key].arguments.add(name=name)

    edit(damaged, change)
    assert "op silu (silu_cast_fp16)" in refused(damaged.path, EngineError)


@pytest.mark.parametrize("kind", [MIL_pb2.FLOAT32, MIL_pb2.INT32, MIL_pb2.BFLOAT16, 99])
def test_declared_types_that_the_op_does_not_yield(damaged, kind):
    def change(block, *_):
        op(block, "silu").outputs[0].type.tensorType.dataType = kind

    edit(damaged, change)
    assert "op silu (silu_cast_fp16)" in refused(damaged.path, EngineError)


@pytest.mark.parametrize("size", [0, 1, 17, 2**40, 2**64 - 1])
def test_declared_shapes_that_the_op_does_not_yield(damaged, size):
    def change(block, *_):
        shape = op(block, "silu").outputs[0].type.tensorType.dimensions
        shape[1].constant.size = size

    edit(damaged, change)
    assert "op silu (silu_cast_fp16)" in refused(damaged.path, EngineError)


def test_flexible_shapes(damaged):
    def change(block, function, _):
        function.inputs[0].type.tensorType.dimensions[0].unknown.variadic = False

    edit(damaged, change)
    assert "flexible shape" in refused(damaged.path, EngineError)


# What would take much memory.


def memory():
    """The most bytes that this process has ever held."""
    return 1024 * resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


@pytest.mark.parametrize("sizes", [[100_000, 100_000], [8000, 8000]])
def test_constants_that_grow(op_package, coreml, sizes, tmp_path):
    """A few bytes that stand for gigabytes, computed when the function is loaded."""
    before = memory()

    def build(x):
        return coreml.mb.add(x=x, y=1.0)

    path = op_package(build, np.zeros((1, 2), np.float32))
    file = path / "Data" / "com.apple.CoreML" / "model.mlmodel"
    model = Model_pb2.Model()
    model.ParseFromString(file.read_bytes())
    function = model.mlProgram.functions["main"]
    block = function.block_specializations[function.opset]
    fill = MIL_pb2.Operation(type="fill")
    shape = fill.inputs["shape"].arguments.add().value
    shape.type.tensorType.dataType = MIL_pb2.INT32
    shape.type.tensorType.rank = 1
    shape.type.tensorType.dimensions.add().constant.size = 2
    shape.immediateValue.tensor.ints.values.extend(sizes)
    number = fill.inputs["value"].arguments.add().value
    number.type.tensorType.dataType = MIL_pb2.FLOAT32
    number.immediateValue.tensor.floats.values.append(1)
    output = fill.outputs.add(name="huge").type.tensorType
    output.dataType, output.rank = MIL_pb2.FLOAT32, 2
    for size in sizes:
        output.dimensions.add().constant.size = size
    block.operations.insert(0, fill)
    file.write_bytes(model.SerializeToString())
    with raises(EngineError, "engine.failed", operator="fill"):
        load_function(path)
    assert memory() < before + 100e6


def test_a_constant_in_a_file_of_holes(damaged):
    """A weight file that says it has a terabyte, and a constant that would take gigabytes."""
    before = memory()
    with damaged.weights.open("r+b") as file:
        file.truncate(1 << 40)

    def change(block, *_):
        told = blob(block).type.tensorType
        told.dimensions[0].constant.size = 1 << 30

    edit(damaged, change)
    refused(damaged.path, EngineError)
    assert memory() < before + 100e6


def test_many_values_alive_at_once(op_package, coreml):
    def build(x):
        wide = [coreml.mb.tile(x=x, reps=[1000, 1000]) for _ in range(30)]
        total = wide[0]
        for value in wide[1:]:
            total = coreml.mb.add(x=total, y=value)
        return total

    before = memory()
    with raises(EngineError, "engine.failed", expected=1 << 30):
        load_function(op_package(build, np.zeros((1, 10), np.float32)))
    assert memory() < before + 100e6


def test_attention_over_a_long_sequence(run_op, coreml):
    x = np.zeros((1, 20_000, 1), np.float32)
    before = memory()
    with raises(
        EngineError,
        "engine.failed",
        operator="scaled_dot_product_attention",
        found=[1, 20_000, 20_000],
    ):
        run_op(
            lambda x: coreml.mb.scaled_dot_product_attention(query=x, key=x, value=x),
            x,
            target="iOS18",
        )
    assert memory() < before + 100e6


# Chance.


def attempt(damaged):
    """Load and run: it either works or is refused in one sentence."""
    try:
        function = load_function(damaged.path)
        function.run(
            {name: np.zeros(told.shape, told.dtype) for name, told in function.inputs.items()}
        )
    except MvmoeError as error:
        assert "\n" not in str(error)


@pytest.mark.parametrize("name", ["model", "weights"])
def test_bytes_that_flipped_or_were_cut_off(damaged, name):
    file = getattr(damaged, name)
    healthy = file.read_bytes()
    generator = np.random.default_rng(0)
    before, start = memory(), time.monotonic()
    for _ in range(40):
        data = np.frombuffer(healthy, np.uint8).copy()
        places = generator.integers(0, len(data), generator.integers(1, 4))
        data[places] ^= generator.integers(1, 256, len(places)).astype(np.uint8)
        file.write_bytes(data)
        attempt(damaged)
    for size in generator.integers(0, len(healthy), 20):
        file.write_bytes(healthy[:size])
        attempt(damaged)
    assert memory() < before + 600e6
    assert time.monotonic() - start < 60

"""Packages whose layers take whole numbers: each function in ranges of its own."""

import msgspec
import numpy as np
import pytest
import torch
from expected_errors import raises
from torch import nn

from mvmoe_deploy.errors import InputError
from mvmoe_deploy.samples import Samples
from mvmoe_export import CalibrationRequest, ExportOptions, export_bundle
from mvmoe_export.calibration import record_stages
from mvmoe_export.captured import write_calls
from mvmoe_export.compile_job import CompileJob
from mvmoe_export.layers import find_layers
from mvmoe_export.layers.eight_bits import int8_by_output
from mvmoe_export.targets.coreml import CoreMLOptions

FOLLOWED = 0.7
"""How much of what rounding does is in the answers: 1 with the same steps, 0 without rounding. In
fp16 a twentieth of the values is rounded to the next step."""


@pytest.fixture(scope="module")
def tiny(vmoe):
    return vmoe(depth=2, moe_layers=1, experts=3)


def images_of(model, count=16):
    return np.random.default_rng(0).standard_normal((count, *model.input.shape), np.float32)


@pytest.fixture(scope="module")
def calibration(tiny):
    return record_stages(tiny, images_of(tiny))


@pytest.fixture(scope="module")
def made(tiny, prepare, compiled, calibration):
    stages, plain = prepare(tiny, precision="int8-static")
    calls = write_calls(calibration.calls, plain.folder)
    asked = msgspec.structs.replace(plain.job, calibration=calls)
    given = CompileJob(plain.folder, asked, lambda name: None)
    return compiled(type("Prepared", (), {"prepared": (stages, given)}))


def operators(made, graph):
    from coremltools.proto import Model_pb2

    model = Model_pb2.Model()
    path = made.folder / graph["file"] / "Data/com.apple.CoreML/model.mlmodel"
    model.ParseFromString(path.read_bytes())
    function = model.mlProgram.functions[graph["entry"]]
    return function.block_specializations[function.opset].operations


def scales(made, graph):
    """The scales of what layers take, in order."""
    return [
        np.frombuffer(
            operation.inputs["scale"].arguments[0].value.immediateValue.tensor.bytes.values,
            np.float16,
        )[0]
        for operation in operators(made, graph)
        if operation.type == "quantize"
    ]


def test_every_packed_layer_takes_whole_numbers_and_no_other_does(made):
    for graph in made.graphs:
        givers = {one.outputs[0].name: one.type for one in operators(made, graph)}
        layers = [one for one in operators(made, graph) if one.type in ("linear", "conv")]
        kinds = [
            tuple(givers.get(one.inputs[place].arguments[0].name) for place in ("x", "weight"))
            for one in layers
        ]
        whole = [packed.startswith("constexpr") for _, packed in kinds]
        assert [given == "dequantize" for given, _ in kinds] == whole
        assert sum(whole) >= 4 and not all(whole)


def test_ranges_are_those_of_each_function(made):
    stem, *experts = (scales(made, graph) for graph in made.graphs)
    assert len(stem) > 1 and len({len(each) for each in experts}) == 1
    assert len(set(map(tuple, experts))) == len(experts)


def in_whole_numbers(made, graph):
    """A graph's program in PyTorch with weights and inputs of layers rounded, and as it is."""
    _, compile_job = made.prepared
    found = [
        (family, one)
        for family in compile_job.families
        for one in family.graphs
        if one.name == graph["name"]
    ]
    ((family, one),) = found
    contents, ranges = compile_job.weights(family, one), compile_job.ranges(family, one)
    modules = []
    for rounded in (True, False):
        program = compile_job.program(family)
        for slot, tensor in contents.items():
            program.state_dict[slot] = nn.Parameter(tensor, requires_grad=False)
        module = program.module(check_guards=False)
        layers, _ = find_layers(module.graph, set(contents), family.roles)
        for layer in layers if rounded else ():
            weight = contents[layer.name]
            whole, scale = int8_by_output(layer.by_output(weight), torch.float16)
            matrix = whole.float() * scale.float()[:, None]
            module.get_parameter(layer.name).data = layer.in_shape(matrix, weight).reshape(
                weight.shape
            )
            low, high = ranges[layer.name].taken
            step = float(np.float16(max(-low, high) / 127))
            with module.graph.inserting_before(layer.node):
                node = module.graph.call_function(in_steps, (layer.input, step))
            layer.node.replace_input_with(layer.input, node)
        module.recompile()
        modules.append(module)
    return modules


def in_steps(values, step):
    return (values / step).round().clamp(-128, 127) * step


def test_every_function_computes_as_pytorch_in_whole_numbers(made, calibration, run_graph):
    specs = {spec.name: (stage, spec) for stage, spec in made.stages.graphs}
    for graph in made.graphs:
        stage, spec = specs[graph["name"]]
        rounded, plain = in_whole_numbers(made, graph)
        followed = []
        for inputs in list(calibration.batches(spec.stage, spec.route or (), 1))[:6]:
            given = run_graph(made, graph, dict(zip(spec.inputs, inputs, strict=True)))
            with torch.no_grad():
                wanted, without = rounded(*inputs), plain(*inputs)
            for name, right, unrounded in zip(stage.outputs, wanted, without, strict=True):
                done, due = given[name] - unrounded.numpy(), (right - unrounded).numpy()
                followed.append(float((done * due).sum() / (due * due).sum()))
        assert abs(np.median(followed) - 1) < 1 - FOLLOWED, graph["name"]


def test_a_bundle_passes_verification_on_its_images(tiny, tmp_path, monkeypatch):
    from mvmoe_export import bundling
    from mvmoe_export.bounds import bounds_for

    def loose(*arguments, **options):
        return msgspec.structs.replace(
            bounds_for(*arguments, **options),
            router_error=0.5, answer_error=0.5, psnr_db=5.0,
            agreement=0.5, routing_agreement=0.5,
        )  # fmt: skip

    monkeypatch.setattr(bundling, "bounds_for", loose)
    samples = Samples(tuple(map(str, range(16))), images_of(tiny), None)
    options = ExportOptions(targets={"coreml": CoreMLOptions(precision="int8-static")})
    made = export_bundle(
        tiny, tmp_path / "a", targets=["coreml"], options=options,
        calibration=CalibrationRequest(samples),
    )  # fmt: skip
    record = made.targets["coreml"]
    compression = record.compression
    assert (compression.weights, compression.activations) == ("int8", "static-int8-float16")
    assert compression.calibration.images == 16
    assert record.parity.verification.images >= 16


def test_what_cannot_be_is_refused(tiny, tmp_path):
    with raises(InputError, "input.option", name="the coreml precision", given="int8-static"):
        CoreMLOptions(precision="int8-static", deployment_target="iOS17")
    options = ExportOptions(targets={"coreml": CoreMLOptions(precision="int8-static")})
    with pytest.raises(InputError) as refused:
        export_bundle(tiny, tmp_path / "a", targets=["coreml"], options=options)
    assert refused.value.fields["name"] == "calibrate"
    assert not list(tmp_path.iterdir())

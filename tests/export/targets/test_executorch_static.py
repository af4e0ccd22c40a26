"""Layers on XNNPACK whose ranges calibration images have shown: those of each graph are its own."""

import copy
from dataclasses import replace
from types import SimpleNamespace

import msgspec
import numpy as np
import pytest
import torch
from expected_errors import raises
from torch import nn
from torch.nn import functional

from mvmoe_deploy.bundle import Bundle
from mvmoe_deploy.errors import InputError
from mvmoe_deploy.samples import Samples
from mvmoe_export import CalibrationRequest, ExportOptions, bundling, export_bundle
from mvmoe_export.bounds import bounds_for
from mvmoe_export.calibration import calibrate, record_stages
from mvmoe_export.captured import CALIBRATION, FOLDER, write_calls
from mvmoe_export.graph_roles import GraphRoles
from mvmoe_export.layers import LayerRanges
from mvmoe_export.layers.eight_bits import int8_by_output
from mvmoe_export.parity.pytorch import verify_against_model
from mvmoe_export.programs import LayerRequest, make_program, program_weights
from mvmoe_export.stage_calls import StageCall, batches
from mvmoe_export.stages import make_stages
from mvmoe_export.targets.executorch import ExecuTorchOptions
from mvmoe_export.targets.executorch.options import STATIC_INT8, LoweringOptions
from mvmoe_export.targets.executorch.shortcuts import shortcuts
from mvmoe_export.targets.executorch.target import ExecuTorchTarget

binding = pytest.importorskip("mvmoe_export.targets.executorch.binding")
lowering = pytest.importorskip("mvmoe_export.targets.executorch.lowering")
steps = pytest.importorskip("mvmoe_export.targets.executorch.static_steps")
tapping = pytest.importorskip("mvmoe_export.targets.executorch.tapping")
writers = pytest.importorskip("mvmoe_export.targets.executorch.layer_writers")

XNNPACK = LoweringOptions(delegate="xnnpack", compute_units="all", deployment_target="iOS18")
WRITER = writers.WRITERS[STATIC_INT8]


EXACT = 1e-2
"""Of what rounding costs a graph, for a quarter of the images at least: sums of whole numbers are
exact. Of others a value that is off by 1e-7 is rounded to the next step, and more follow."""


def static(*delegates):
    chosen = ExecuTorchOptions(delegate=delegates or ("xnnpack",), precision="int8-static")
    return ExportOptions(targets={"executorch": chosen})


def rounded(values, span):
    """Values in 256 steps of a range that has 0 in it, computed apart from the writer."""
    low, high = min(span[0], 0.0), max(span[1], 0.0)
    step = (high - low) / 255
    zero = round(-low / step)
    return ((values / step).round().add(zero).clamp(0, 255) - zero) * step


# One graph.


class Products(nn.Module):
    """A layer in each form that a product has, over one input."""

    def __init__(self):
        super().__init__()
        generator = torch.Generator().manual_seed(3)
        self.weights = nn.ParameterList([*torch.randn(4, 32, 32, generator=generator)])
        self.biases = nn.ParameterList([*(2 * torch.randn(3, 32, generator=generator))])

    def forward(self, tokens):
        linear, matmul, addmm, bmm = self.weights
        one, other, third = self.biases
        flat = tokens.flatten(0, 1)
        return torch.stack(
            [
                functional.linear(tokens, linear, one),
                functional.linear(tokens.exp(), linear, third),
                tokens @ matmul,
                torch.addmm(other, flat, addmm).unflatten(0, (1, -1)),
                torch.bmm(tokens, bmm[None] * 1.0),
            ]
        )


def lowered(module, tokens, folder, images):
    """What a module gives on XNNPACK, and what its program gives in PyTorch; and the method."""
    from executorch.exir import EdgeProgramManager
    from executorch.runtime import Runtime

    request = LayerRequest(WRITER, GraphRoles(outputs=("y",)))
    program = make_program("graph", module, {"x": tokens}, ("views",), layers=request)
    weights = program_weights(module)
    contents = program.contents(weights, program.ranges(weights, images))
    exported = lowering.with_weights(program.exported, contents)
    expected = exported.module(check_guards=False)(tokens)
    steps.put_steps(exported, contents)
    with shortcuts():
        method = lowering._lower({"graph": exported}, XNNPACK)["graph"]
    manager = EdgeProgramManager({"graph": method}, compile_config=lowering._CONFIG)
    with (folder / "graph.pte").open("wb") as file:
        manager.to_executorch(lowering._backend_config()).write_to_file(file)
    loaded = Runtime.get().load_program(folder / "graph.pte").load_method("graph")
    return loaded.execute([tokens])[0].clone(), expected, method, contents


def test_products_compute_in_known_ranges_in_one_partition(tmp_path):
    module = Products()
    tokens = torch.randn(1, 6, 32, generator=torch.Generator().manual_seed(1))
    given, expected, method, contents = lowered(module, tokens, tmp_path, [[tokens]])
    assert lowering._placement(method) == {"partitions": 1, "outside": {"getitem": 1}}
    assert not [name for name in method.state_dict if name.endswith("step")]
    largest = max(float(contents[name]) for name in contents if name.endswith("out_step"))
    # Sums are exact; what falls between two steps may go to either.
    assert (given - expected).abs().max() <= 1.01 * largest
    assert (given - expected).abs().mean() < 0.02 * largest
    plain = module(tokens).detach()
    assert (given - plain).abs().max() < 0.04 * plain.abs().max()


def test_ranges_are_of_what_the_engine_gives_with_its_own_bias_and_of_all_uses():
    module, tokens = Products(), torch.randn(1, 6, 32)
    request = LayerRequest(WRITER, GraphRoles(outputs=("y",)))
    program = make_program("graph", module, {"x": tokens}, ("views",), layers=request)
    found = program.ranges(program_weights(module), [[tokens]])
    shared, _, addmm, _ = sorted(found)
    linear, _, other, _ = module.weights
    one, _, third = module.biases
    with torch.no_grad():
        both = torch.cat([tokens @ linear.T + one, tokens.exp() @ linear.T + third])
        assert found[shared].taken == (float(tokens.min()), float(tokens.exp().max()))
        assert np.allclose(found[shared].given, (both.min(), both.max()))
        bare = tokens @ other
    assert np.allclose(found[addmm].given, (bare.min(), bare.max()), rtol=1e-4)


def test_outputs_that_no_image_has_moved_keep_a_step_that_xnnpack_takes(tmp_path):
    module = nn.Sequential(nn.Linear(32, 32), nn.Flatten(1))
    nn.init.constant_(module[0].bias, 1e-6)
    given, expected, *_ = lowered(
        module, torch.zeros(1, 2, 32), tmp_path, [[torch.zeros(1, 2, 32)]]
    )
    assert given.isfinite().all() and torch.allclose(given, expected)


def test_a_step_is_no_smaller_than_the_ratio_allows():
    parts = WRITER.parts(layer := SimpleNamespace(by_output=lambda weight: weight), torch.eye(4))
    found = WRITER.range_parts(layer, parts, LayerRanges((0.0, 255.0), (0.0, 1e-9)))
    assert float(found["out_step"]) == pytest.approx(1 / 127 / 128, rel=1e-5)
    assert (int(found["zero"]), int(found["out_zero"])) == (-128, -128)


# Bundles.


@pytest.fixture(scope="session")
def model(vmoe):
    """Two experts have one layer in common, whose inputs have other ranges, and two of the stem's
    layers have the same weights but for a factor."""
    model = vmoe(seed=1)
    with torch.no_grad():
        qkv = model.blocks[0].attn.qkv.weight
        qkv[:32].copy_(2 * qkv[32:64])
        first, second, _ = model.blocks[1].mlp.experts
        second.fc2.weight.copy_(first.fc2.weight)
        second.fc2.bias.copy_(first.fc2.bias)
        second.fc1.weight.mul_(2)
    return model


def samples(model, count=24):
    images = np.random.default_rng(0).standard_normal((count, *model.input.shape), np.float32)
    return Samples(tuple(map(str, range(count))), images, None)


def loose_bounds(target, precision, rewrites=(), activations=None):
    """Those of a recipe are for trained models, not for the few random weights of this one."""
    return msgspec.structs.replace(
        bounds_for(target, precision, rewrites, activations=activations),
        router_error=0.5,
        answer_error=0.5,
        psnr_db=5.0,
        agreement=0.5,
        routing_agreement=0.5,
    )


@pytest.fixture(scope="session")
def bundle(made_once, model):
    def write(path):
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(bundling, "bounds_for", loose_bounds)
            request = CalibrationRequest(samples(model))
            export_bundle(
                model, path, targets=["executorch"], options=static(), calibration=request
            )

    path = made_once("executorch-int8-static.bundle", write)
    return SimpleNamespace(path=path, record=Bundle.open(path).target("executorch"))


def layers_of(module):
    """The layers of a stage that are no router's or head's, by name."""
    for name, layer in module.named_modules():
        precise = "router" in name or "head" in name
        if isinstance(layer, nn.Linear | nn.Conv2d) and not precise:
            yield name, layer


def pieces(name, given):
    """What a layer gives, by the layers that the rewrites make of it."""
    return given.chunk(3, dim=-1) if name.endswith("qkv") else (given,)


def fake_quantized(stage, calls):
    """A copy of a stage whose layers compute in the ranges that they have met in its calls."""
    met = {}

    def note(name):
        def hook(_, taken, given):
            for place, values in enumerate((taken[0], *pieces(name, given))):
                low, high = met.get((name, place), (0.0, 0.0))
                met[name, place] = (min(low, float(values.min())), max(high, float(values.max())))

        return hook

    hooks = [layer.register_forward_hook(note(name)) for name, layer in layers_of(stage)]
    with torch.no_grad():
        for given in calls:
            stage(*given)
    for hook in hooks:
        hook.remove()
    stage = copy.deepcopy(stage)
    for name, layer in layers_of(stage):
        whole, scale = int8_by_output(layer.weight.detach().flatten(1))
        weight = (whole * scale[:, None]).reshape(layer.weight.shape)

        def forward(values, name=name, layer=layer, weight=weight):
            values = rounded(values, met[name, 0])
            if isinstance(layer, nn.Conv2d):
                given = functional.conv2d(values, weight, layer.bias, layer.stride)
            else:
                given = functional.linear(values, weight, layer.bias)
            each = enumerate(pieces(name, given), 1)
            return torch.cat([rounded(one, met[name, place]) for place, one in each], dim=-1)

        layer.forward = forward
    return stage


def listed(outputs):
    return list(outputs) if isinstance(outputs, tuple) else [outputs]


def rms(error):
    return error.square().mean().sqrt()


def test_every_graph_computes_as_one_in_its_own_ranges(bundle, model):
    from executorch.runtime import Runtime

    program = Runtime.get().load_program(bundle.path / "executorch" / "model.pte")
    run = calibrate(model, samples(model), smooth=False).run
    for graph in bundle.record.graphs:
        method = program.load_method(graph.entry)
        calls = list(run.batches(graph.stage, graph.route or (), 1))
        stage = model.stage(graph.stage, graph.route)
        quantized = fake_quantized(stage, calls)
        errors = []
        for inputs in calls[:8]:
            outputs = [output.clone() for output in method.execute(inputs)]
            with torch.no_grad():
                wanted, plain = listed(quantized(*inputs)), listed(stage(*inputs))
            errors.append(
                [
                    rms(output - right) / rms(unrounded - right)
                    for output, right, unrounded in zip(outputs, wanted, plain, strict=True)
                ]
            )
        assert np.quantile(errors, 0.25, axis=0).max() < EXACT, graph.name


def test_each_method_is_one_partition(bundle):
    for graph in bundle.record.graphs:
        (placement,) = graph.placement
        assert placement.partitions == 1
        assert placement.outside == {"getitem": len(graph.outputs)}


def test_the_record_says_what_was_calibrated_and_compressed(bundle):
    compression = bundle.record.compression
    assert (compression.weights, compression.activations) == STATIC_INT8
    assert compression.calibration.images == 24
    left = {(layer.graph, layer.layer) for layer in compression.left}
    assert left == {("stem", "end.router.weight"), ("step1_e0", "end.head.weight")}


def constants(path):
    """The keys that each method's payload has, and the bytes under each key of the file."""
    content = (path / "executorch" / "model.pte").read_bytes()
    file = tapping.deserialize_pte_binary(content)
    data, keys = file.named_data, {}
    for plan in file.program.execution_plan:
        piece = file.program.backend_delegate_data[plan.delegates[0].processed.index]
        keys[plan.name] = tapping.Payload(bytes(piece.data)).constants
    assert set.union(*keys.values()) == data.pte_data.keys()
    return keys, {key: entry.buffer_index for key, entry in data.pte_data.items()}


def test_the_same_weights_in_other_ranges_have_other_keys_and_are_stored_once(bundle, model):
    keys, places = constants(bundle.path)
    content = (bundle.path / "executorch" / "model.pte").read_bytes()
    named = tapping.deserialize_pte_binary(content).named_data.buffers

    def users(weight):
        """The keys of each graph that has a weight, which is there once."""
        data = int8_by_output(weight.detach())[0].numpy().tobytes()
        assert content.count(data) == 1
        (place,) = [number for number, held in enumerate(named) if bytes(held) == data]
        found = [{key for key in own if places[key] == place} for own in keys.values()]
        return [own for own in found if own]

    one, other = users(model.blocks[1].mlp.experts[0].fc2.weight)
    assert len(one) == len(other) == 1 and one != other
    (in_stem,) = users(model.blocks[0].attn.qkv.weight[:32])
    assert len(in_stem) == 2


def test_a_bundle_passes_verification_on_its_images(bundle, model):
    report = verify_against_model(
        Bundle.open(bundle.path), model, samples(model), targets=["executorch"]
    )
    row = report.targets["executorch"]
    assert row.ok and row.fault is None


# Calibration images on their way to the compiler.


def test_what_ranges_are_set_by_is_written_once_and_counted(model, tmp_path):
    run = record_stages(model, samples(model, 200).inputs)
    (tmp_path / FOLDER).mkdir()
    captured = write_calls(run.calls, tmp_path)
    path = tmp_path / FOLDER / CALIBRATION
    written = path.stat()
    assert 0 <= written.st_size - run.range_bytes < 10_000
    assert write_calls(run.calls, tmp_path) == captured
    assert path.stat().st_mtime_ns == written.st_mtime_ns
    stages, options = make_stages(model), static()
    room = ExecuTorchTarget().room
    plain = room(stages, options)
    assert room(stages, replace(options, calibration=run)) - plain == run.range_bytes


def test_a_route_that_no_image_takes_has_no_ranges():
    calls = [StageCall(1, (0, 1), (np.zeros((3, 2), np.float32),))]
    assert [len(given[0]) for given in batches(calls, 1, (0, 1), 2)] == [2, 2]
    with raises(InputError, "input.option", name="calibrate", given=[1, 2]):
        next(batches(calls, 1, (1, 2), 2))


@pytest.mark.parametrize(
    ("options", "given", "name"),
    [
        (static(), {}, "calibrate"),
        (static("portable"), {}, "precision"),
        (static("coreml"), {}, "precision"),
        (static(), {"strategy": "all-experts"}, "strategy"),
        (static(), {"strategy": "gather", "routers": "in-graph"}, "routers"),
    ],
)
def test_what_cannot_be_is_refused_before_anything_is_made(model, tmp_path, options, given, name):
    if given:
        given["calibration"] = CalibrationRequest(samples(model))
    with pytest.raises(InputError) as refused:
        export_bundle(model, tmp_path / "a", targets=["executorch"], options=options, **given)
    assert (refused.value.code, refused.value.fields["name"]) == ("input.option", name)
    assert not list(tmp_path.iterdir())

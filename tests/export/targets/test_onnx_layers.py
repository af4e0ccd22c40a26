"""Compressed layers of ONNX graphs: they compute what their parts say, each stored once."""

import json

import numpy as np
import onnx
import pytest
import torch
from torch import nn

from mvmoe_deploy import Dispatcher
from mvmoe_deploy.bundle import Bundle
from mvmoe_deploy.cli import main
from mvmoe_deploy.errors import CheckFailedError, InputError
from mvmoe_deploy.models import Checkpoint, save_checkpoint
from mvmoe_deploy.runtime.runners.onnx.importing import import_onnxruntime
from mvmoe_deploy.samples import Samples
from mvmoe_export import CalibrationRequest, ExportOptions, export_bundle
from mvmoe_export.auto_precision import export_smallest
from mvmoe_export.graph_roles import GraphRoles
from mvmoe_export.parity.pytorch import verify_against_model
from mvmoe_export.programs import LayerRequest, program_weights
from mvmoe_export.targets.onnx import OnnxOptions, template
from mvmoe_export.targets.onnx.contributed import DOMAIN
from mvmoe_export.targets.onnx.layer_writers import WRITERS
from mvmoe_export.targets.onnx.shape_inference import inferred

RECIPES = ("int8", "int4", "fp16")
SIZES = {"int8": 1, "int4": 0.5, "fp16": 2}
"""Bytes of a weight, without scales."""


class Layers(nn.Module):
    """A linear layer, one without bias, a convolution, patches and a product with a matrix."""

    def __init__(self):
        super().__init__()
        self.patches = nn.Conv2d(3, 64, 4, stride=4)
        self.conv = nn.Conv2d(64, 64, 3, padding=1)
        self.first, self.second = nn.Linear(64, 96), nn.Linear(96, 64, bias=False)
        self.matrix = nn.Parameter(torch.randn(64, 33) / 8)

    def forward(self, x):
        made = self.conv(self.patches(x)).flatten(2).transpose(1, 2)
        return self.second(self.first(made).relu()) @ self.matrix


def layers_of(numbers, ranges=None):
    """What the compressed module gives in ONNX Runtime, and in PyTorch with the same operators."""
    torch.manual_seed(0)
    module, x = Layers().eval(), torch.randn(1, 3, 16, 16)
    roles = GraphRoles(outputs=("y",))
    made = template.make_template(
        "graph", module, {"x": x}, ("y",), 20,
        rewrites=("patches",), layers=LayerRequest(WRITERS[numbers], roles),
    )  # fmt: skip
    found = made.program.ranges(program_weights(module), [[x]]) if ranges else None
    model = onnx.ModelProto()
    model.CopyFrom(made.body)
    del model.graph.value_info[:]
    for name, array in made.fill(module, found).items():
        model.graph.initializer.append(onnx.numpy_helper.from_array(array, name))
    session = import_onnxruntime().InferenceSession(model.SerializeToString())
    given = session.run(None, {"x": x.numpy()})[0]
    program = made.program.exported
    for slot, content in made.program.fill(module, found).items():
        program.state_dict[slot] = nn.Parameter(content, requires_grad=False)
    return given, program.module(check_guards=False)(x), module(x), made


@pytest.mark.parametrize("numbers", WRITERS, ids="-".join)
def test_onnx_runtime_computes_what_the_operators_say(numbers):
    given, same, plain, _ = layers_of(numbers, ranges=numbers.needs_images)
    peak = float(plain.detach().abs().max())
    # An input that falls between two of 256 steps may be rounded to either; in int4 ONNX Runtime
    # rounds inputs to 8 bits, group by group, which the operator in PyTorch does not.
    np.testing.assert_allclose(given, same.detach().numpy(), atol=2e-2 * peak, rtol=0)
    # And the layers are those of the module: half a step of each of five layers.
    worst = {"int8": 5e-2, "int4": 0.4, "float16": 2e-3}[numbers.weights]
    np.testing.assert_allclose(given, plain.detach().numpy(), atol=worst * peak, rtol=0)


@pytest.mark.parametrize("numbers", WRITERS, ids="-".join)
def test_every_layer_is_compressed(numbers):
    *_, made = layers_of(numbers)
    assert len(made.program.layers.layers) == 5
    assert made.program.layers.left == ()
    stored = {slot: content.dtype for slot, content in made.program.fill(Layers()).items()}
    fp32 = {slot for slot, dtype in stored.items() if dtype == torch.float32}
    assert all(slot.endswith(("bias", "__scale", "__step")) for slot in fp32)


def test_one_operator_with_its_bias_is_one_layer():
    *_, made = layers_of(next(numbers for numbers in WRITERS if numbers.weights == "int8"))
    kinds = [node.op_type for node in made.body.graph.node]
    # Two products, patches and the matrix; the convolution is what is left.
    assert kinds.count("DynamicQuantizeMatMul") == 4
    assert not {"Gemm", "MatMul", "DequantizeLinear", "DynamicQuantizeLinear"} & set(kinds)
    assert kinds.count("Add") == 0


@pytest.fixture(scope="module")
def wide(vmoe):
    """Wide enough for weights to outweigh scales and biases."""
    return vmoe(width=64, heads=2, num_classes=4)


def with_precision(*recipes):
    return {"precision": recipes, "skip_verify": True}


@pytest.fixture(scope="module")
def compressed(wide, tmp_path_factory):
    """One bundle with the model in fp32 and in every recipe."""
    path = tmp_path_factory.mktemp("compressed") / "model.bundle"
    export_bundle(wide, path, **with_precision("fp32", *RECIPES))
    return path


@pytest.mark.parametrize("recipe", RECIPES)
def test_bytes_are_those_of_the_file(compressed, recipe):
    target = Bundle.open(compressed).target(f"onnx-{recipe}")
    plain = Bundle.open(compressed).target("onnx").sizes.distinct_bytes
    assert target.compression.plain_bytes == plain
    size = (compressed / target.weights).stat().st_size
    assert 0 <= size - target.sizes.distinct_bytes < 4096 * 100  # Alignment.
    share = target.sizes.distinct_bytes / plain
    assert SIZES[recipe] / 4 < share < SIZES[recipe] / 4 + 0.15


@pytest.mark.parametrize("recipe", RECIPES)
def test_router_and_head_stay_precise_and_are_named(compressed, recipe):
    compression = Bundle.open(compressed).target(f"onnx-{recipe}").compression
    left = {(one.graph, one.layer) for one in compression.left}
    assert left == {("stem", "end.router.weight"), ("step1_e0", "end.head.weight")}
    assert compression.weights == {"fp16": "float16"}.get(recipe, recipe)
    # Of the stem patches, qkv, proj and two layers; of an expert two such blocks.
    assert compression.layers == 5 + 8


@pytest.mark.parametrize("recipe", RECIPES)
def test_experts_share_what_they_shared(compressed, recipe):
    bundle = Bundle.open(compressed)
    plain, small = bundle.target("onnx").sizes, bundle.target(f"onnx-{recipe}").sizes
    for one, other in zip(plain.expert_bytes[0], small.expert_bytes[0], strict=True):
        assert other / one < SIZES[recipe] / 4 + 0.15
    assert small.shared_bytes + sum(small.expert_bytes[0]) == small.distinct_bytes


@pytest.mark.parametrize("recipe", RECIPES)
def test_every_expert_is_near_to_its_own(compressed, wide, recipe):
    bundle, given = Bundle.open(compressed), samples(wide)
    name = f"onnx-{recipe}"
    report = verify_against_model(bundle, wide, given, targets=[name])
    routes = {found.route: found for found in report.targets[name].per_route}
    assert set(routes) == {(0,), (1,), (2,)}
    # int4 rounds weights to fifteen steps, and these are random.
    bound = {"int8": 0.1, "int4": 0.6, "fp16": 1e-2}[recipe]
    for found in routes.values():
        assert found.outputs["answer"].errors.max_rel_error < bound


def test_int8_weights_are_inputs_of_bound_graphs(wide, tmp_path):
    export_bundle(wide, tmp_path / "bind", strategy="bind", **with_precision("int8"))
    export_bundle(wide, tmp_path / "dispatch", **with_precision("int8"))
    bundle = Bundle.open(tmp_path / "bind")
    target = bundle.target("onnx")
    types = {spec.dtype for spec in target.graphs[1].inputs}
    assert types == {"float32", "int8"}
    images = np.random.default_rng(1).random((4, *wide.input.shape), np.float32)
    with (
        Dispatcher.open(tmp_path / "bind") as bound,
        Dispatcher.open(tmp_path / "dispatch") as plain,
    ):
        for image in images:
            # The same numbers are multiplied; sums of fp32 may come in another order.
            given, wanted = (one.run(image[None])["answer"] for one in (bound, plain))
            np.testing.assert_allclose(given, wanted, atol=1e-4)


def test_a_channel_of_zeros_and_equal_experts_are_stored_once(vmoe, tmp_path):
    model = vmoe(width=64, heads=2, num_classes=4)
    experts = model.blocks[-1].mlp.experts
    with torch.no_grad():
        experts[0].fc1.weight[3] = 0
        for name, parameter in experts[1].named_parameters():
            parameter.copy_(experts[0].get_parameter(name))
    export_bundle(model, tmp_path / "a", **with_precision("int8"))
    sizes = Bundle.open(tmp_path / "a").target("onnx").sizes.expert_bytes[0]
    assert sizes[0] == sizes[1] < sizes[2]
    with Dispatcher.open(tmp_path / "a") as dispatcher:
        images = np.zeros((1, *model.input.shape), np.float32)
        assert np.isfinite(dispatcher.run(images)["answer"]).all()


def samples(model, count=16, labels=4):
    images = np.random.default_rng(0).random((count, *model.input.shape), np.float32)
    known = None if labels is None else np.arange(count) % labels
    return Samples(tuple(map(str, range(count))), images, known)


def test_static_ranges_are_those_of_each_graph(wide, tmp_path):
    request = CalibrationRequest(samples(wide))
    made = export_bundle(
        wide, tmp_path / "a", calibration=request, **with_precision("int8-static", "int8")
    )
    calibration = made.targets["onnx"].compression.calibration
    assert calibration.images == 16
    assert sum(calibration.routed[0]) == 16
    steps = {}
    for expert in range(3):
        graph = onnx.load(tmp_path / "a" / "onnx" / f"step1_e{expert}.onnx").graph
        steps[expert] = {
            tensor.name: onnx.numpy_helper.to_array(tensor)
            for tensor in graph.initializer
            if tensor.name.endswith("__step")
        }
    assert len(steps[0]) == 8
    assert any(steps[0][name] != steps[1][name] for name in steps[0])
    with (
        Dispatcher.open(tmp_path / "a") as static,
        Dispatcher.open(tmp_path / "a", target="onnx-int8") as dynamic,
    ):
        wanted = dynamic.run(request.data.inputs)["answer"]
        given = static.run(request.data.inputs)["answer"]
        np.testing.assert_allclose(given, wanted, atol=0.2 * np.abs(wanted).max())


@pytest.mark.parametrize(
    ("options", "name"),
    [
        ({"precision": "int8-static"}, "calibrate"),
        ({"precision": "int7"}, "precision"),
        ({"precision": "int8", "strategy": "gather", "routers": "in-graph"}, "routers"),
        ({"precision": "int8", "max_loss": 1.0}, "max-loss"),
        ({"precision": "int8", "max_loss": -1.0}, "max-loss"),
    ],
)
def test_what_cannot_be_is_refused_before_anything_is_made(wide, tmp_path, options, name):
    with pytest.raises(InputError) as refused:
        export_bundle(wide, tmp_path / "a", **options)
    assert name in refused.value.fields["name"]
    assert list(tmp_path.iterdir()) == []


def test_static_ranges_need_a_graph_for_each_route(wide, tmp_path):
    request = CalibrationRequest(samples(wide))
    with pytest.raises(InputError) as refused:
        export_bundle(
            wide, tmp_path / "a", precision="int8-static", strategy="bind", calibration=request
        )
    assert refused.value.fields["name"] == "strategy"


def test_a_target_that_loses_too_much_is_refused(wide, tmp_path):
    given = samples(wide, 32)
    with torch.no_grad():
        right = wide(torch.from_numpy(given.inputs)).argmax(1).numpy()
    right[0] = (right[0] + 1) % 4  # Not all of one class.
    request = CalibrationRequest(Samples(given.names, given.inputs, right))
    made = export_bundle(wide, tmp_path / "a", precision="fp16", max_loss=0.0, calibration=request)
    known = made.targets["onnx"].parity.verification.accuracy
    assert (known.images, known.reference) == (32, 31 / 32)
    assert known.least_loss <= known.reference - known.target <= known.most_loss
    with pytest.raises(InputError) as refused:
        export_bundle(
            wide,
            tmp_path / "b",
            precision="fp16",
            max_loss=0.0,
            calibration=CalibrationRequest(samples(wide, labels=None)),
        )
    assert refused.value.fields["name"] == "max-loss"


def test_auto_takes_the_smallest_that_keeps_its_bounds(wide, tmp_path, monkeypatch):
    tried = []
    from mvmoe_export import auto_precision

    def export(model, path, *, precision, **options):
        tried.append(precision)
        if precision in ("int4", "int8"):
            raise CheckFailedError(f"{precision} falls short")
        return export_bundle(model, path, precision=precision, skip_verify=True, **options)

    monkeypatch.setattr(auto_precision, "export_bundle", export)
    notes = []
    chosen = export_smallest(wide, tmp_path / "a", note=notes.append)
    assert tried == ["int4", "int8", "fp16"]
    assert (chosen.name, list(chosen.refused)) == ("fp16", ["int4", "int8"])
    assert len(notes) == 2
    assert chosen.sentence.startswith("recipe fp16: taken: onnx in fp16: 0.5")
    assert Bundle.open(tmp_path / "a").target("onnx").precision == "fp16"


def test_an_interrupted_auto_does_not_try_again_what_was_refused(wide, tmp_path, monkeypatch):
    from mvmoe_export import auto_precision

    tried = []

    def export(model, path, *, precision, **options):
        tried.append(precision)
        if precision == "int4":
            raise CheckFailedError("int4 falls short")
        if len(tried) == 2:
            raise KeyboardInterrupt
        return export_bundle(model, path, precision=precision, skip_verify=True, **options)

    monkeypatch.setattr(auto_precision, "export_bundle", export)
    with pytest.raises(KeyboardInterrupt):
        export_smallest(wide, tmp_path / "a", resume=True)
    chosen = export_smallest(wide, tmp_path / "a", resume=True)
    assert tried == ["int4", "int8", "int8"]
    assert chosen.refused == {"int4": "int4 falls short"}
    assert [path.name for path in tmp_path.iterdir()] == ["a"]


def test_no_recipe_that_keeps_its_bounds_is_said(wide, tmp_path, monkeypatch):
    from mvmoe_export import auto_precision

    def export(*_, **__):
        raise CheckFailedError("it falls short")

    monkeypatch.setattr(auto_precision, "export_bundle", export)
    with pytest.raises(CheckFailedError) as refused:
        export_smallest(wide, tmp_path / "a")
    assert "no recipe of int4, int8, fp16, fp32" in str(refused.value)


def test_the_command_line_makes_targets_of_several_recipes(wide, tmp_path, capsys):
    save_checkpoint(Checkpoint(wide), tmp_path / "checkpoint")
    words = ["export", str(tmp_path / "checkpoint"), "-o", str(tmp_path / "a"), "--json"]
    with pytest.raises(SystemExit, check=lambda ended: not ended.code):
        main([*words, "--precision", "fp32", "--precision", "int8", "--skip-verify"])
    shown = json.loads(capsys.readouterr().out)
    assert list(shown["targets"]) == ["onnx", "onnx-int8"]
    assert shown["targets"]["onnx-int8"]["precision"] == "int8"


def test_a_targets_own_option_says_the_same(wide, tmp_path):
    options = ExportOptions(targets={"onnx": OnnxOptions(precision="int8")})
    made = export_bundle(wide, tmp_path / "a", options=options, skip_verify=True)
    assert made.targets["onnx"].compression.weights == "int8"


@pytest.mark.parametrize("numbers", WRITERS, ids="-".join)
def test_shapes_behind_onnx_runtimes_own_operators_are_inferred(numbers):
    *_, made = layers_of(numbers)
    known = {value.name for value in inferred(made.body).graph.value_info}
    outputs = {value.name for value in made.body.graph.output}
    products = [node for node in made.body.graph.node if node.domain == DOMAIN]
    assert len(products) == (0 if numbers.weights == "float16" else 4)
    for node in made.body.graph.node:
        assert set(node.output) <= known | outputs, node.op_type


def test_the_operator_whose_error_flips_decisions_is_named(wide, tmp_path):
    given = samples(wide, 64, labels=None)
    export_bundle(wide, tmp_path / "a", **with_precision("int8"))
    path = tmp_path / "a" / "onnx" / "step1_e0.onnx"
    model = onnx.load(path, load_external_data=False)
    (broken,) = [
        node
        for node in model.graph.node
        if node.op_type == "DynamicQuantizeMatMul" and "layers.1.mlp" in node.input[1]
    ][:1]
    # The weight of another layer of its size.
    weights = {tensor.name: tensor for tensor in model.graph.initializer}
    sizes = weights[broken.input[1]].dims
    others = (name for name in weights if name.endswith("__int8") and name != broken.input[1])
    broken.input[1] = next(name for name in others if weights[name].dims == sizes)
    path.write_bytes(model.SerializeToString())
    report = verify_against_model(Bundle.open(tmp_path / "a"), wide, given)
    fault = report.targets["onnx"].fault
    assert report.targets["onnx"].failures
    assert fault.graph == "step1_e0"
    assert fault.engine_operator == "DynamicQuantizeMatMul"
    assert "mlp" in fault.layer


class Unusual(nn.Module):
    """Convolutions that PyTorch calls otherwise, and a product that gains an axis."""

    def __init__(self):
        super().__init__()
        self.same, self.up = nn.Conv2d(3, 8, 3, padding="same"), nn.ConvTranspose2d(8, 8, 2)
        self.matrix = nn.Parameter(torch.randn(1, 8, 8))

    def forward(self, x):
        return self.up(self.same(x)).mean((2, 3)) @ self.matrix


# Taken apart for a rewrite, the product is a bmm of three axes on both sides.
@pytest.mark.parametrize(("rewrites", "named"), [((), ["matrix"]), (("views",), [])])
def test_no_layer_is_passed_over(rewrites, named):
    torch.manual_seed(0)
    module, x = Unusual().eval(), torch.randn(1, 3, 8, 8)
    numbers = next(each for each in WRITERS if each.activations == "dynamic-int8")
    made = template.make_template(
        "graph", module, {"x": x}, ("y",), 20, rewrites=rewrites,
        layers=LayerRequest(WRITERS[numbers], GraphRoles(outputs=("y",))),
    )  # fmt: skip
    changed = made.program.layers
    assert len(changed.layers) == 3 - len(named)
    assert [left.layer for left in changed.left] == named
    given = made.program.exported.module(check_guards=False)(x)
    # Weights of two convolutions are rounded to 8 bits.
    torch.testing.assert_close(given, module(x), rtol=0, atol=2e-2)

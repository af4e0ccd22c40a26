"""Layers in whole numbers on XNNPACK: what they compute, what is stored, and what is left alone."""

import copy
import json
import re
import shutil
from types import SimpleNamespace

import msgspec
import numpy as np
import pytest
import torch
from expected_errors import raises
from PIL import Image
from torch import nn
from torch.nn import functional

from mvmoe_deploy.bundle import Bundle
from mvmoe_deploy.errors import InputError
from mvmoe_export import ExportOptions, bundling, captured, export_bundle
from mvmoe_export.bounds import bounds_for
from mvmoe_export.compile_job import CompileJob, CompileRequest
from mvmoe_export.compression import find_recipe
from mvmoe_export.graph_roles import GraphRoles
from mvmoe_export.layers import LayerChanges, part_name
from mvmoe_export.layers.eight_bits import int8_by_output
from mvmoe_export.layers.found import HEAD, ROUTER
from mvmoe_export.layers.four_bits import int4_by_group
from mvmoe_export.parity.pytorch import verify_against_model
from mvmoe_export.programs import LayerRequest, make_program
from mvmoe_export.stages import make_stages
from mvmoe_export.targets.executorch import ExecuTorchOptions, job
from mvmoe_export.targets.executorch.options import DYNAMIC_INT4, DYNAMIC_INT8, LoweringOptions
from mvmoe_export.targets.executorch.shortcuts import shortcuts

binding = pytest.importorskip("mvmoe_export.targets.executorch.binding")
lowering = pytest.importorskip("mvmoe_export.targets.executorch.lowering")
writers = pytest.importorskip("mvmoe_export.targets.executorch.layer_writers")
tapping = pytest.importorskip("mvmoe_export.targets.executorch.tapping")

RECIPES = {"int8": DYNAMIC_INT8, "int4": DYNAMIC_INT4}
XNNPACK = LoweringOptions(delegate="xnnpack", compute_units="all", deployment_target="iOS18")

EXACT = 2e-6
"""Relative to the largest answer of a token: sums of whole numbers are exact, what is left is the
order of a few fp32 operations. Rounding alone is off by 4e-3 and more."""

FLIPPED = 0.25
"""Of what rounding costs a whole model: an input that is off by 1e-7 may be rounded to the next
whole number, which is a step of 1/255 in that one number."""


def chosen(precision, *delegates, **options):
    given = ExecuTorchOptions(delegate=delegates or ("xnnpack",), precision=precision)
    return ExportOptions(targets={"executorch": given}, **options)


def unpacked(weight, precision):
    """A weight `[outputs, inputs]` after rounding, computed apart from the writers."""
    if precision == "int8":
        whole, scale = int8_by_output(weight)
        return whole * scale[:, None]
    whole, scale = int4_by_group(weight, torch.bfloat16)
    return whole * scale.float().repeat_interleave(32, dim=1)


PATCHES = "patch_embed.proj.weight_0"
"""What is made of the weight of the convolution that cuts patches, by the rewrite `patches`."""


def rounded(tokens):
    """Inputs after rounding to 256 steps between the smallest and largest number of each token."""
    low = tokens.amin(-1, keepdim=True).clamp(max=0)
    high = tokens.amax(-1, keepdim=True).clamp(min=0)
    step = ((high - low) / 255).clamp(min=1e-30)
    zero = (-128 - low / step).round().clamp(-128, 127)
    return ((tokens / step).round().add(zero).clamp(-128, 127) - zero) * step


def fake_quantized(model, precision, *, patches):
    """A copy of a model whose layers, but routers and head, compute as the engine should.

    `patches` says whether the layer that makes tokens of patches is among them.
    """
    model = copy.deepcopy(model)
    if patches:
        layer = model.patch_embed.proj
        weight = unpacked(layer.weight.detach().flatten(1), precision)

        def embed(image, weight=weight, layer=layer):
            rows = functional.unfold(image, layer.kernel_size, stride=layer.stride).mT
            made = functional.linear(rounded(rows), weight, layer.bias).mT
            return made.unflatten(2, [size // layer.stride[0] for size in image.shape[2:]])

        layer.forward = embed
    for name, layer in model.named_modules():
        if isinstance(layer, nn.Linear) and not name.startswith(("router", "head")):
            weight = unpacked(layer.weight.detach(), precision)

            def forward(tokens, weight=weight, bias=layer.bias):
                return functional.linear(rounded(tokens), weight, bias)

            layer.forward = forward
    return model


def listed(outputs):
    return list(outputs) if isinstance(outputs, tuple) else [outputs]


def rms(error):
    return error.square().mean().sqrt()


# One graph.


class Products(nn.Module):
    """A layer in each form that a product has, over one input."""

    def __init__(self):
        super().__init__()
        generator = torch.Generator().manual_seed(3)
        weights = torch.randn(5, 64, 64, generator=generator)
        weights[0, 3] = 0
        weights[0, 4] = 1e-40  # Its scale would be no normal number.
        self.weights = nn.ParameterList(nn.Parameter(weight) for weight in weights)
        self.biases = nn.ParameterList([*torch.randn(2, 64, generator=generator)])

    def forward(self, tokens):
        linear, bare, matmul, addmm, bmm = self.weights
        one, other = self.biases
        return torch.stack(
            [
                functional.linear(tokens, linear, one),
                functional.linear(tokens, bare),
                tokens @ matmul,
                torch.addmm(other, tokens.flatten(0, 1), addmm).unflatten(0, (1, -1)),
                torch.bmm(tokens, bmm[None] * 1.0),
            ]
        )

    def wanted(self, tokens, precision):
        linear, bare, matmul, addmm, bmm = (weight.detach() for weight in self.weights)
        by_output = [linear.where(linear.abs() > 1e-38, 0), bare, matmul.T, addmm.T, bmm.T]
        products = [rounded(tokens) @ unpacked(w.contiguous(), precision).T for w in by_output]
        for biased, bias in zip((0, 3), self.biases, strict=True):
            products[biased] = products[biased] + bias
        return torch.stack(products)


def lowered(module, inputs, precision, *, bound=None, names=()):
    """A module with written layers after lowering, its program, and what it gives."""
    roles = GraphRoles(outputs=("y",))
    request = LayerRequest(writers.WRITERS[RECIPES[precision]], roles)
    given = {f"x{number}": tensor for number, tensor in enumerate(inputs)}
    program = make_program("graph", module, given, names, layers=request, bound=bound or {})
    with shortcuts():
        return program, lowering._lower({"graph": program.exported}, XNNPACK)["graph"]


def run_lowered(method, inputs, folder):
    from executorch.exir import EdgeProgramManager
    from executorch.runtime import Runtime

    manager = EdgeProgramManager({"graph": method}, compile_config=lowering._CONFIG)
    path = folder / "graph.pte"
    with path.open("wb") as file:
        manager.to_executorch(lowering._backend_config()).write_to_file(file)
    return Runtime.get().load_program(path).load_method("graph").execute(list(inputs))


@pytest.mark.parametrize("precision", RECIPES)
def test_products_compute_in_whole_numbers_in_one_partition(precision, tmp_path):
    module = Products()
    tokens = torch.randn(1, 6, 64, generator=torch.Generator().manual_seed(1))
    tokens[0, 1] *= 1000
    tokens[0, 2] = 0
    tokens[0, 3] = tokens[0, 3].abs()
    program, method = lowered(module, [tokens], precision, names=("views",))
    assert len(program.layers.layers) == 5 and not program.layers.left
    assert lowering._placement(method) == {"partitions": 1, "outside": {"getitem": 1}}
    quantized = writers._QUANTIZED.choose_qparams.tensor
    calls = program.exported.graph.find_nodes(op="call_function", target=quantized)
    assert len(calls) == 3, "layers with one input round it once"
    (given,) = run_lowered(method, [tokens], tmp_path)
    wanted = module.wanted(tokens, precision)
    largest = wanted.abs().amax(dim=-1, keepdim=True).clamp(min=1e-6)
    assert ((given - wanted).abs() / largest).max() < EXACT


class Left(nn.Module):
    """Layers that stay: a convolution, several matrices, and inputs of 24."""

    def __init__(self):
        super().__init__()
        self.filters = nn.Conv2d(3, 24, 2)
        self.heads = nn.Parameter(torch.randn(4, 24, 24))
        self.narrow = nn.Linear(24, 32)
        self.wide = nn.Linear(32, 32)

    def forward(self, image):
        rows = self.filters(image).flatten(2).transpose(1, 2).expand(4, -1, -1)
        return self.wide(self.narrow(torch.bmm(rows, self.heads)))


@pytest.mark.parametrize("precision", RECIPES)
def test_what_xnnpack_has_no_whole_numbers_for_is_left_with_the_reason(precision):
    request = LayerRequest(writers.WRITERS[RECIPES[precision]], GraphRoles(outputs=("y",)))
    image = {"image": torch.randn(1, 3, 5, 5)}
    program = make_program("graph", Left(), image, ("views",), layers=request)
    left = {layer.layer: layer.reason for layer in program.layers.left}
    narrow = {"narrow.weight": writers.NO_GROUPS} if precision == "int4" else {}
    assert left == {
        "filters.weight": writers.CONVOLUTION,
        "heads": writers.NO_MATRIX,
        **narrow,
    }


def test_a_weight_that_is_an_input_is_left():
    layer = SimpleNamespace(is_product=True, weight=SimpleNamespace(op="placeholder"))
    for writer in writers.WRITERS.values():
        assert writer.refuses(layer, torch.zeros(32, 32)) == writers.BOUND


# Names of what is stored.


def test_the_same_whole_numbers_with_other_scales_have_another_key():
    keys = binding.WholeNumberKeys()
    assert keys.add("a", torch.ones(3)) == "a"
    other = keys.add("a", 2 * torch.ones(3))
    assert other != "a" and len(other) == 64
    assert keys.add("a", 2 * torch.ones(3)) == other
    assert keys.add("a", torch.ones(3)) == "a"
    assert keys.add("b", 2 * torch.ones(3)) == "b"


def test_parts_in_fewer_bits_than_their_type_has_are_known_by_their_names():
    changes = LayerChanges(writers.WRITERS[DYNAMIC_INT4], {"a.weight": None})
    bits = {part: changes.packed(part_name("a.weight", part)) for part in ("whole", "scale")}
    assert bits == {"whole": 4, "scale": 16}
    assert changes.packed("a.weight") is None
    assert changes.packed(part_name("b.weight", "whole")) is None


# Bundles.


@pytest.fixture(scope="session")
def vmoe_model(vmoe):
    """One expert has an output without weights, and two have one layer in common."""
    model = vmoe(seed=1)
    with torch.no_grad():
        model.blocks[1].mlp.experts[0].fc1.weight[5] = 0
        shared = model.blocks[1].mlp.experts[0].fc2.weight
        model.blocks[1].mlp.experts[1].fc2.weight.copy_(shared)
    return model


def loose_bounds(target, precision, rewrites=(), **computing):
    """Those of a recipe are for trained models, not for the few random weights of this one."""
    return msgspec.structs.replace(
        bounds_for(target, precision, rewrites, **computing),
        router_error=0.4,
        answer_error=0.4,
        psnr_db=5.0,
        agreement=0.5,
        routing_agreement=0.5,
    )


@pytest.fixture(scope="session", params=list(RECIPES))
def bundle(request, made_once, vmoe_model):
    precision = request.param

    def write(path):
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(bundling, "bounds_for", loose_bounds)
            export_bundle(vmoe_model, path, targets=["executorch"], options=chosen(precision))

    path = made_once(f"executorch-{precision}.bundle", write)
    record = Bundle.open(path).target("executorch")
    return SimpleNamespace(path=path, precision=precision, record=record)


def images_for(model, count=12):
    generator = np.random.default_rng(7)
    return generator.standard_normal((count, *model.input.shape), dtype=np.float32)


def test_every_graph_computes_as_one_with_rounded_layers(bundle, vmoe_model):
    from executorch.runtime import Runtime

    program = Runtime.get().load_program(bundle.path / "executorch" / "model.pte")
    left = {layer.layer for layer in bundle.record.compression.left}
    patches = PATCHES not in left
    rounded_model = fake_quantized(vmoe_model, bundle.precision, patches=patches)
    image = torch.from_numpy(images_for(vmoe_model, 1))
    given = {"image": image, "gates": torch.ones(1, 1)}
    for graph in bundle.record.graphs:
        method = program.load_method(graph.entry)
        inputs = [given[spec.name] for spec in graph.inputs]
        outputs = [output.clone() for output in method.execute(inputs)]
        with torch.no_grad():
            wanted = rounded_model.stage(graph.stage, graph.route)(*inputs)
            plain = vmoe_model.stage(graph.stage, graph.route)(*inputs)
        for output, right, unrounded in zip(outputs, *map(listed, (wanted, plain)), strict=True):
            assert rms(output - right) < FLIPPED * rms(unrounded - right), graph.name
        if graph.stage == 0:
            given |= dict(zip([spec.name for spec in graph.outputs], outputs, strict=True))


def test_each_method_is_one_partition(bundle):
    for graph in bundle.record.graphs:
        (placement,) = graph.placement
        assert placement.partitions == 1
        assert placement.outside == {"getitem": len(graph.outputs)}


def test_the_record_says_what_was_compressed_and_what_not(bundle):
    record, compression = bundle.record, bundle.record.compression
    assert record.precision == record.options["precision"] == bundle.precision
    assert (compression.weights, compression.activations) == RECIPES[bundle.precision]
    left = {(layer.graph, layer.layer): layer.reason for layer in compression.left}
    assert left.pop(("stem", "end.router.weight")) == ROUTER
    assert left.pop(("step1_e0", "end.head.weight")) == HEAD
    if bundle.precision == "int4":  # Of 4 x 4 pixels, no whole group of 32.
        assert "32" in left.pop(("stem", PATCHES))
    assert not left


def test_bytes_are_those_of_the_file_and_shared_weights_are_there_once(bundle, vmoe_model):
    record, model = bundle.record, vmoe_model
    size = (bundle.path / "executorch" / "model.pte").stat().st_size
    assert record.sizes.distinct_bytes <= size
    assert size <= record.sizes.distinct_bytes + 25_000 * len(record.graphs)
    expert = model.blocks[1].mlp.experts[0]
    per_weight, per_scale = (1, 4) if bundle.precision == "int8" else (0.5, 2)

    def stored(layer):
        outputs, inputs = layer.weight.shape
        scales = outputs if bundle.precision == "int8" else outputs * inputs // 32
        return int(outputs * inputs * per_weight) + scales * per_scale

    biases = expert.fc1.bias.nbytes + expert.fc2.bias.nbytes
    alone = 2 * (stored(expert.fc1) + stored(expert.fc2) + biases)  # In two blocks.
    common = stored(expert.fc2)
    assert record.sizes.expert_bytes == ((alone - common, alone - common, alone),)


def test_a_bundle_passes_verification_and_has_no_fault(bundle, vmoe_model):
    report = verify_against_model(Bundle.open(bundle.path), vmoe_model, targets=["executorch"])
    row = report.targets["executorch"]
    assert row.ok and row.fault is None


def test_a_bundle_runs_on_a_picture(bundle, mvmoe, tmp_path):
    image = tmp_path / "image.png"
    Image.fromarray(np.random.default_rng(0).integers(0, 256, (8, 8), np.uint8)).save(image)
    code, out, _ = mvmoe("run", bundle.path, image, "--target", "executorch", "--json")
    assert code == 0
    (answer,) = json.loads(out)["results"]
    assert 0 < answer["probability"] <= 1


def test_values_inside_of_a_quantized_piece_can_be_looked_at(bundle, tmp_path):
    for graph in bundle.record.graphs[:2]:
        tap = tapping.ExecuTorchTap(bundle.path, graph)
        layers = [one for one in tap.operators if one.kind == "XNNFullyConnected"]
        values = [value for one in layers for value in one.gives if value in tap.values][:3]
        assert values
        written = tap.write(tmp_path, values)
        assert len(written.outputs) == len(graph.outputs) + 3


def test_an_operator_at_fault_is_named(bundle, vmoe_model, tmp_path):
    from executorch.exir._serialize._program import deserialize_pte_binary, serialize_pte_binary

    path = shutil.copytree(bundle.path, tmp_path / "planted.bundle")
    program = path / "executorch" / "model.pte"
    file = deserialize_pte_binary(program.read_bytes())
    (plan,) = [one for one in file.program.execution_plan if one.name == "step1_e1"]
    piece = file.program.backend_delegate_data[plan.delegates[0].processed.index]
    payload = tapping.Payload(bytes(piece.data))
    added = [one for one in payload._graph["xnodes"] if one["xnode_union_type"] == "XNNAdd"]
    added[-1]["xnode_union_type"] = "XNNSubtract"
    piece.data = payload.with_outputs([])
    program.write_bytes(bytes(serialize_pte_binary(file, extract_delegate_segments=True)))
    report = verify_against_model(Bundle.open(path), vmoe_model, targets=["executorch"])
    fault = report.targets["executorch"].fault
    assert (fault.graph, fault.engine_operator) == ("step1_e1", "XNNSubtract")


def compile_job(model, precision, folder):
    """The job of one delegate."""
    request = CompileRequest(
        compiler="a:b",
        extra="",
        captured=str(folder / captured.FOLDER),
        families=captured.write_captured(make_stages(model), folder),
        rewrites=job.REWRITES["xnnpack"],
        recipe=precision,
        numbers=RECIPES[precision],
        options=msgspec.Raw(msgspec.json.encode(XNNPACK)),
    )
    (folder / "output").mkdir(exist_ok=True)
    return CompileJob(folder, request, lambda _: None)


@pytest.mark.parametrize("precision", RECIPES)
def test_a_structure_is_lowered_once_and_its_keys_tell_scales_apart(
    zoo, vmoe, precision, tmp_path, monkeypatch
):
    model = vmoe(seed=2)
    with torch.no_grad():
        first, *others = model.blocks[1].mlp.experts
        for number, other in enumerate(others, 2):
            for mine, theirs in ((first.fc1, other.fc1), (first.fc2, other.fc2)):
                theirs.weight.copy_(mine.weight * 2**number)
                theirs.bias.zero_(), mine.bias.zero_()
    lower, calls = lowering._lower, []

    def counted(programs, options):
        calls.append(list(programs))
        return lower(programs, options)

    monkeypatch.setattr(lowering, "_lower", counted)
    done = lowering.compile(compile_job(model, precision, tmp_path))
    assert done["loaded"]
    assert calls == [["stem"], ["step1_e0"]]
    file = tapping.deserialize_pte_binary((tmp_path / "output" / "model.pte").read_bytes())
    names = []
    for plan in file.program.execution_plan[1:]:
        piece = file.program.backend_delegate_data[plan.delegates[0].processed.index]
        constants = tapping.Payload(bytes(piece.data)).constants
        assert constants <= file.named_data.pte_data.keys()
        names.append(constants)
    own = [mine - set.union(*(n for n in names if n is not mine)) for mine in names]
    # Of the two layers in the first block whole numbers and scales, in the second biases as well.
    assert [len(one) for one in own] == [4 + 6] * 3


# Bad options.


@pytest.mark.parametrize(
    ("options", "given", "recipe", "sentence"),
    [
        (
            chosen("int8", "portable"),
            {},
            "int8",
            "delegate portable does not run .* recipe int8; give",
        ),
        (
            chosen("int4", "xnnpack", "coreml"),
            {},
            "int4",
            "delegate coreml does not run .* recipe int4",
        ),
        (
            chosen("fp16"),
            {},
            "fp16",
            "xnnpack does not run .* fp16; .* --executorch-delegate coreml alone",
        ),
        (
            chosen("int8"),
            {"strategy": "bind"},
            "int8",
            "0.46 to 0.56 of the speed .* --strategy dispatch",
        ),
    ],
)
def test_a_recipe_that_the_delegate_or_strategy_lacks_is_refused(  # noqa: PLR0917
    zoo, tmp_path, options, given, recipe, sentence
):
    model = zoo.enliven(zoo.Foreign(experts=2))
    with raises(InputError, "input.option", name="precision", given=recipe) as refused:
        export_bundle(
            model, tmp_path / "x.bundle", targets=["executorch"], options=options, **given
        )
    assert re.search(sentence, str(refused.value))
    assert not list(tmp_path.iterdir())


def test_a_precision_that_no_delegate_has_is_refused():
    with raises(InputError, "input.option", name="the executorch precision", given="'int3'"):
        ExecuTorchOptions(precision="int3")


def test_core_ml_below_executorch_computes_in_fp16_whatever_is_not_whole_numbers():
    for precision in ("fp32", "fp16"):
        options = ExecuTorchOptions(delegate=("coreml",), precision=precision)
        assert options.recipe_of("coreml") == find_recipe("fp16")

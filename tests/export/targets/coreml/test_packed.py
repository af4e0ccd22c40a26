"""Packages whose layers are stored in few bits: what they compute, share and leave as it was."""

import struct
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from expected_errors import raises
from torch import nn

from mvmoe_deploy.errors import InputError
from mvmoe_export.layers.found import HEAD, ROUTER
from mvmoe_export.targets.coreml import CoreMLOptions, packing
from mvmoe_export.targets.coreml.forms import form_of

RECIPES = ("int8", "int4", "palette-6", "palette-4")
FORMS = {
    ("int8", "iOS18"): "constexpr_blockwise_shift_scale",
    ("int4", "iOS18"): "constexpr_blockwise_shift_scale",
    ("palette-6", "iOS18"): "constexpr_lut_to_dense",
    ("palette-4", "iOS18"): "constexpr_lut_to_dense",
    ("int8", "iOS16"): "constexpr_affine_dequantize",
    ("palette-6", "iOS17"): "constexpr_lut_to_dense",
}
"""The operator that unpacks weights, by recipe and system."""

FP16 = 1e-2
"""Relative to the largest output: two layers in fp16 with lively weights (measured: 3e-3)."""

DATA = "Data/com.apple.CoreML"
EXPERTS = 3


@pytest.fixture(scope="module")
def tiny(vmoe):
    return vmoe(depth=2, moe_layers=1, experts=EXPERTS)


@pytest.fixture(scope="module", autouse=True)
def converted_once():
    """Programs are the same whatever is packed of them: each is converted once for all tests."""
    from mvmoe_export.targets.coreml import conversion

    known, convert = {}, conversion.convert

    def once(program, signature, options):
        weights = [tensor.numpy().tobytes() for tensor in program.state_dict.values()]
        key = signature.name, options.deployment_target, str(program.graph), hash(tuple(weights))
        if key not in known:
            known[key] = convert(program, signature, options)
        return known[key]

    patch = pytest.MonkeyPatch()
    patch.setattr(conversion, "convert", once)
    yield
    patch.undo()


@pytest.fixture(scope="module")
def packed(tiny, compiled):
    """The package of a recipe and a system, made once."""
    made = {}

    def make(recipe, system="iOS18"):
        if (recipe, system) not in made:
            made[recipe, system] = compiled(tiny, precision=recipe, deployment_target=system)
        return made[recipe, system]

    return make


def read(path):
    from coremltools.proto import Model_pb2

    model = Model_pb2.Model()
    model.ParseFromString((path / DATA / "model.mlmodel").read_bytes())
    return model


def functions(made, graph):
    """The operators of a graph's function."""
    program = read(made.folder / graph["file"]).mlProgram
    function = program.functions[graph["entry"] or "main"]
    return function.block_specializations[function.opset].operations


def unpacking(made, graph):
    """The operators that unpack weights, by how many there are."""
    kinds = [operation.type for operation in functions(made, graph)]
    return {kind: kinds.count(kind) for kind in kinds if kind.startswith("constexpr_")}


def weights_read(operations):
    """Where the weights of layers are in the file."""
    offsets = set()
    for operation in operations:
        given = [binding.value for part in operation.inputs.values() for binding in part.arguments]
        given += operation.attributes.values()
        offsets |= {value.blobFileValue.offset for value in given if value.blobFileValue.offset}
    return offsets


def stored_bytes(path):
    """The bytes of each constant in a file of weights, by its offset: read from the file alone."""
    data = path.read_bytes()
    (count,) = struct.unpack_from("<I", data)
    found, offset = {}, 64
    for _ in range(count):
        mark, _, size, start = struct.unpack_from("<IIQQ", data, offset)
        assert mark == 0xDEADBEEF
        found[offset] = size
        offset = -(-(start + size) // 64) * 64
    assert offset >= len(data)
    return found


def rounded(made, recipe, system, graph_name):
    """A graph's program in PyTorch with the weights that are packed, and what it takes."""
    _, job = made.prepared
    (family,) = (
        family for family in job.families if graph_name in {graph.name for graph in family.graphs}
    )
    (graph,) = (graph for graph in family.graphs if graph.name == graph_name)
    form = form_of(CoreMLOptions(precision=recipe, deployment_target=system))
    contents = dict(job.weights(family, graph))
    for layer in job.find_layers(family)[0]:
        contents[layer.name] = nearly(contents[layer.name], layer.outputs_axis, form)
    program = job.program(family)
    for slot, tensor in contents.items():
        program.state_dict[slot] = nn.Parameter(tensor, requires_grad=False)
    return program.module(check_guards=False)


def nearly(weight, axis, form):
    """A weight as it is unpacked."""
    parts = {part.argument: part.content for part in form.packed(weight, axis, torch.float16)}
    blocks = form.blocks(tuple(weight.shape), axis)
    rows = [size // block for size, block in zip(weight.shape, blocks, strict=True)]

    def spread(beside):
        for at, block in enumerate(blocks):
            beside = np.repeat(beside, block, at)
        return beside

    if "scale" in parts:
        whole = parts.get("data", parts.get("quantized_data")).astype(np.float32)
        return torch.from_numpy(whole * spread(parts["scale"].astype(np.float32).reshape(rows)))
    tables = torch.from_numpy(spread(parts["lut"].astype(np.float32).reshape(*rows, -1)))
    nearest = (tables - weight[..., None]).abs().argmin(dim=-1, keepdim=True)
    return tables.gather(-1, nearest)[..., 0]


@pytest.mark.parametrize(("recipe", "system"), FORMS)
def test_a_package_computes_what_pytorch_does_with_rounded_weights(
    recipe, system, packed, run_graph, stage_inputs
):
    made = packed(recipe, system)
    facts = {graph["name"]: graph for graph in made.graphs}
    answers = []
    for stage, spec in made.stages.graphs:
        inputs = stage_inputs(stage)
        given = run_graph(made, facts[spec.name], inputs)
        with torch.no_grad():
            wanted = rounded(made, recipe, system, spec.name)(*inputs.values())
            exact = spec.build()(*inputs.values())
        wanted, exact = (
            value if isinstance(value, tuple | list) else (value,) for value in (wanted, exact)
        )
        for name, near, far in zip(stage.outputs, wanted, exact, strict=True):
            error = np.abs(given[name] - near.numpy()).max() / near.abs().max().item()
            assert error < FP16, f"{spec.name} {name} is off by {error}"
            assert not torch.equal(near, far)
        assert set(unpacking(made, facts[spec.name])) == {FORMS[recipe, system]}
        answers.append(given.get("answer"))
    one, *others = answers[1:]
    assert all(np.abs(one - other).max() > 3 * FP16 * np.abs(one).max() for other in others)


@pytest.mark.parametrize("recipe", RECIPES)
def test_bytes_are_those_of_the_file(recipe, packed):
    made = packed(recipe)
    stored = stored_bytes(made.folder / "model.mlpackage" / DATA / "weights" / "weight.bin")
    readers = {graph["name"]: weights_read(functions(made, graph)) for graph in made.graphs}
    assert set.union(*readers.values()) == set(stored)
    for graph in made.graphs:
        mine = readers[graph["name"]]
        others = set().union(*(theirs for name, theirs in readers.items() if theirs is not mine))
        assert graph["weight_bytes"] == sum(stored[offset] for offset in mine)
        assert graph["exclusive_bytes"] == sum(stored[offset] for offset in mine - others)
    _, *steps = made.graphs
    assert len({graph["exclusive_bytes"] for graph in steps}) == 1
    _, job = made.prepared
    for key, size in made.stored.items():
        fp32 = [held[key] for held in job.rewritten().tensors.values() if key in held]
        bits = {"int8": 8, "int4": 4, "palette-6": 6, "palette-4": 4}[recipe]
        assert fp32
        assert bits / 32 < size / fp32[0] < 16 / 32


def test_the_router_and_the_head_stay_precise_and_are_named(packed):
    made = packed("palette-4")
    _, job = made.prepared
    tally = job.rewritten().tally
    named = {
        (graph, layer.layer): layer.reason for graph, left in tally.left.items() for layer in left
    }
    assert named == {("stem", "end.router.weight"): ROUTER, ("step1_e0", "end.head.weight"): HEAD}
    stem, step = (sum(unpacking(made, graph).values()) for graph in made.graphs[:2])
    assert tally.layers == stem + step
    record = tally.record(CoreMLOptions(precision="palette-4").numbers)
    assert (record.weights, record.activations) == ("palette-4", "float16")
    distinct = {
        key: size for held in job.rewritten().tensors.values() for key, size in held.items()
    }
    assert record.plain_bytes == sum(distinct.values()) // 2


def test_equal_weights_of_experts_are_stored_once(vmoe, compiled):
    model = vmoe(depth=2, moe_layers=1, experts=EXPERTS)
    weights = {name: tensor for name, tensor in model.named_parameters() if ".experts." in name}
    with torch.no_grad():
        for name, tensor in weights.items():
            tensor.copy_(weights[name.replace(".experts.2.", ".experts.1.")])
    for recipe in ("int8", "palette-6"):
        made = compiled(model, precision=recipe)
        alone = [graph["exclusive_bytes"] for graph in made.graphs[1:]]
        assert alone[0] > 0
        assert alone[1:] == [0, 0]


def test_the_same_model_gives_the_same_bytes(tiny, packed, compiled):
    one = packed("palette-6").folder / "model.mlpackage"
    other = compiled(tiny, precision="palette-6").folder / "model.mlpackage"
    for name in ("model.mlmodel", "weights/weight.bin"):
        assert (one / DATA / name).read_bytes() == (other / DATA / name).read_bytes()


def test_what_coremltools_folds_into_another_weight_stays_and_is_named(zoo, compiled):
    class Model(zoo.Foreign):
        def make_expert(self, expert):
            return nn.Sequential(
                nn.Unflatten(1, (1, 4, 4)),
                nn.Conv2d(1, 16, 3, padding=1),
                nn.BatchNorm2d(16),
                nn.Conv2d(16, 16, 3, padding=1),
                nn.AdaptiveAvgPool2d(1),
                nn.Flatten(),
            )

    torch.manual_seed(0)
    made = compiled(zoo.enliven(Model(experts=2)), rewrites=(), precision="int8")
    assert made.bound == 0
    _, job = made.prepared
    left = {
        layer.layer: (layer.operator, layer.reason)
        for layer in job.rewritten().tally.left["step1_e0"]
    }
    assert left["experts.0.1.weight"] == ("conv2d", packing.FOLDED)
    assert "experts.0.3.weight" not in left
    assert unpacking(made, made.graphs[1]) == {"constexpr_blockwise_shift_scale": 1}


def test_weights_that_are_inputs_stay_as_they_are(tiny, compiled):
    made = compiled(tiny, strategy="bind", precision="int8")
    _, job = made.prepared
    (stem, step) = job.rewritten().tally.left.values()
    reasons = [layer.reason for layer in step]
    assert reasons.count(packing.BOUND) == 2
    assert reasons.count(HEAD) == 1
    assert [layer.reason for layer in stem] == [ROUTER]
    assert sum(unpacking(made, made.graphs[1]).values()) > 0


def test_a_weight_that_a_precise_layer_reads_too_stays_precise(zoo, compiled):
    class Model(zoo.Foreign):
        """The stem's layer has the weight of its router."""

        def __init__(self):
            super().__init__(experts=16)
            self.mix = nn.Linear(16, 16, bias=False)
            self.routers[0].weight = self.mix.weight
            self.embed = nn.Sequential(self.embed, self.mix)

    made = compiled(zoo.enliven(Model()), precision="int8")
    assert unpacking(made, made.graphs[0]) == {"constexpr_blockwise_shift_scale": 1}


def test_weights_that_are_no_numbers_are_refused(zoo, compiled):
    model = zoo.enliven(zoo.Foreign(experts=2))
    with torch.no_grad():
        model.embed.weight[3, 5] = float("nan")
    with raises(InputError, "export.graph-refused", name="embed.weight"):
        compiled(model, precision="palette-6")


@pytest.mark.parametrize("recipe", ["int4", "palette-4"])
@pytest.mark.parametrize("system", ["iOS16", "iOS17"])
def test_systems_without_blocks_are_refused(recipe, system):
    with raises(InputError, "input.option", name="the coreml precision", given=recipe) as refused:
        CoreMLOptions(precision=recipe, deployment_target=system)
    assert refused.value.fields["given"] == recipe
    CoreMLOptions(precision=recipe, deployment_target="iOS26")


@pytest.mark.parametrize(("recipe", "system"), [("int4", "iOS18"), ("palette-6", "iOS17")])
def test_operators_are_read_without_those_that_unpack_weights(recipe, system, packed):
    from mvmoe_export.targets.coreml.operators import read as read_operators

    made = packed(recipe, system)
    plain = packed("fp16", system)
    for graph in made.graphs:
        entry = SimpleNamespace(entry=graph["entry"])
        mine, theirs = (
            [(op.type, op.macs) for op in read_operators(one.folder, graph["file"])(entry)]
            for one in (made, plain)
        )
        assert mine == theirs
        assert sum(macs for _, macs in mine) > 0

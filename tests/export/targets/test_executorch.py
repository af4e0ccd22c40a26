"""The files of the `executorch` target: one program, one partition a method, constants shared."""

import shutil
from collections import Counter
from types import SimpleNamespace

import msgspec
import numpy as np
import pytest
import torch
from expected_errors import raises
from torch import nn
from torch.nn import functional

from mvmoe_deploy import Dispatcher
from mvmoe_deploy.bundle import Bundle
from mvmoe_deploy.errors import CheckFailedError, EngineError, InputError, MissingExtraError
from mvmoe_export import ExportOptions, captured, export_bundle
from mvmoe_export.compile_job import CompileJob, CompileRequest
from mvmoe_export.programs import capture_stage
from mvmoe_export.rewrites import AtenGraph, apply
from mvmoe_export.stages import make_stages
from mvmoe_export.targets.executorch import ExecuTorchOptions, job, target

TOLERANCE = 1e-4
"""Relative to the largest answer: XNNPACK adds in another order than PyTorch; a wrong expert is off
by 1e-2 and more with the weights used here."""


def options(*delegates, rewrites=None):
    return ExportOptions(
        rewrites=rewrites, targets={"executorch": ExecuTorchOptions(delegate=delegates)}
    )


@pytest.fixture(scope="session")
def ours(made_once, vmoe):
    """A tiny Mobile V-MoE for XNNPACK and for the portable kernels; images take all routes."""
    model = vmoe(seed=1)
    images = torch.from_numpy(images_for(model, 64))
    with torch.no_grad():
        # No expert is preferred over all images.
        model.routers[0].bias -= model.forward_routed(images).router_logits[0].mean(0)

    def write(path):
        export_bundle(model, path, targets=["executorch"], options=options("xnnpack", "portable"))

    return SimpleNamespace(model=model, path=made_once("executorch.bundle", write))


@pytest.fixture(scope="session")
def record(ours):
    return Bundle.open(ours.path).target("executorch")


def answers(path, images, target):
    with Dispatcher.open(path, target, threads=1) as dispatcher:
        return dispatcher.run(images)["answer"]


def images_for(model, count=12):
    generator = np.random.default_rng(7)
    return generator.standard_normal((count, *model.input.shape), dtype=np.float32)


@pytest.mark.parametrize("name", ["executorch", "executorch-portable"])
def test_it_answers_as_pytorch_on_every_route(ours, name):
    images = images_for(ours.model, 32)
    with torch.no_grad():
        output = ours.model.forward_routed(torch.from_numpy(images))
    assert output.members[0].any(dim=0).all()
    wanted = output.logits.numpy()
    given = answers(ours.path, images, name)
    np.testing.assert_allclose(given, wanted, rtol=0, atol=TOLERANCE * np.abs(wanted).max())


def test_each_method_is_one_partition_with_nothing_left_to_compute(record):
    for graph in record.graphs:
        (placement,) = graph.placement
        assert placement.engine == "xnnpack"
        assert placement.partitions == 1
        assert placement.outside == {"getitem": len(graph.outputs)}


def test_without_rewrites_a_graph_shatters(vmoe, tmp_path):
    export_bundle(
        vmoe(),
        tmp_path / "naive.bundle",
        targets=["executorch"],
        options=options("xnnpack", rewrites=()),
        skip_verify=True,
    )
    stem = Bundle.open(tmp_path / "naive.bundle").target("executorch").graphs[0]
    assert stem.placement[0].partitions > 3
    assert stem.placement[0].outside["native_layer_norm"] == 2


def test_one_program_holds_all_graphs_and_each_weight_once(ours, record):
    assert {graph.file for graph in record.graphs} == {"executorch/model.pte"}
    assert [graph.entry for graph in record.graphs] == [graph.name for graph in record.graphs]
    distinct = {tensor.data_ptr(): tensor.nbytes for tensor in ours.model.parameters()}
    size = (ours.path / "executorch" / "model.pte").stat().st_size
    assert size <= 1.05 * sum(distinct.values()) + 100_000 * len(record.graphs)
    # A few kilobytes aside the program is the weights: nothing of them is there twice.
    assert sum(distinct.values()) <= record.sizes.distinct_bytes + 1000
    assert size <= record.sizes.distinct_bytes + 20_000 * len(record.graphs)


def test_experts_own_what_no_other_expert_reads(ours, record):
    mlps = [
        sum(p.nbytes for block in ours.model.blocks[1:] for p in block.mlp.experts[e].parameters())
        for e in range(3)
    ]
    assert record.sizes.expert_bytes == (tuple(mlps),)
    assert [graph.exclusive_bytes for graph in record.graphs[1:]] == mlps


def test_the_rewrites_that_changed_something_are_recorded(ours, record):
    assert record.rewrites[:2] == ("views", "slices")
    assert {"projections", "attention", "layer-norm"} <= set(record.rewrites)
    assert Bundle.open(ours.path).target("executorch-portable").rewrites == ()


class Convolution(nn.Module):
    """An expert whose normalisation XNNPACK folds into its weights."""

    def __init__(self, width, seed):
        super().__init__()
        torch.manual_seed(seed)
        self.conv = nn.Conv2d(width, width, 3, padding=1)
        self.norm = nn.BatchNorm2d(width)
        self.norm.running_mean.uniform_(-1, 1)
        self.norm.running_var.uniform_(0.5, 2)

    def forward(self, tokens):
        batch, width = tokens.shape
        maps = tokens.reshape(batch, 1, width, 1).expand(batch, 4, width, 1)
        return self.norm(self.conv(maps)).mean(dim=(1, 3))


def test_weights_that_the_delegate_folds_are_lowered_for_each_expert(zoo, tmp_path):
    class Folding(zoo.Foreign):
        def make_expert(self, expert):
            return Convolution(4, expert)

    model = zoo.enliven(Folding(experts=2))
    path = tmp_path / "folded.bundle"
    export_bundle(model, path, targets=["executorch"])
    images = images_for(model)
    with torch.no_grad():
        wanted = model(torch.from_numpy(images)).numpy()
    given = answers(path, images, "executorch")
    np.testing.assert_allclose(given, wanted, rtol=0, atol=TOLERANCE * np.abs(wanted).max())


def test_a_structure_is_lowered_once(zoo, tmp_path):
    stages = make_stages(zoo.enliven(zoo.Foreign(experts=8)))
    families = captured.write_captured(stages, tmp_path)
    assert [len(family.graphs) for family in families] == [1, 8]
    assert [family.probed for family in families] == [False, True]
    compile_job = CompileJob(
        tmp_path,
        CompileRequest(
            compiler="a:b",
            extra="",
            captured=str(tmp_path / captured.FOLDER),
            families=families,
            rewrites=job.REWRITES["xnnpack"],
            recipe="fp32",
            options=msgspec.Raw(b"{}"),
        ),
        print,
    )
    probes = compile_job.program(families[1]).state_dict
    contents = [tensor.half().numpy().tobytes() for tensor in probes.values()]
    assert Counter(contents).most_common(1)[0][1] == 1, "made-up weights must differ, also in fp16"


def test_the_same_model_gives_the_same_bytes(zoo, tmp_path):
    model = zoo.enliven(zoo.Foreign(experts=2))
    for name in ("a", "b"):
        export_bundle(model, tmp_path / name, targets=["executorch"], skip_verify=True)
    first, second = (
        (tmp_path / name / "executorch" / "model.pte").read_bytes() for name in ("a", "b")
    )
    assert first == second


def test_a_method_that_does_not_load_is_named(ours, tmp_path, monkeypatch):
    from mvmoe_export.targets.executorch import lowering

    cut = tmp_path / "cut.pte"
    cut.write_bytes((ours.path / "executorch" / "model.pte").read_bytes()[:100_000])
    with raises(CheckFailedError, "check.failed", target="executorch", graph="stem"):
        lowering._load_all(cut, ["stem"], "xnnpack")


def test_an_operator_without_a_kernel_is_named_with_its_layer(zoo, tmp_path):
    class Odd(nn.Linear):
        def forward(self, tokens):
            return super().forward(torch.special.bessel_j0(tokens))

    class WithOdd(zoo.Foreign):
        def make_expert(self, expert):
            width = super().make_expert(expert)[0].in_features
            return nn.Sequential(Odd(width, width))

    with raises(
        InputError, "export.graph-refused", graph="step1_e0", operator="aten::special_bessel_j0"
    ):
        export_bundle(WithOdd(experts=2), tmp_path / "odd.bundle", targets=["executorch"])
    assert not list(tmp_path.iterdir())


class Filters(nn.Module):
    """A convolution with groups and one without, whose filters may be inputs."""

    def forward(self, x, whole, depthwise):
        constant = torch.ones(4, 4, 1, 1)
        x = functional.conv2d(functional.conv2d(x, 2 * whole), constant)
        return functional.conv2d(x, depthwise, groups=4)


def with_filters(names):
    """The program of such convolutions after rewrites, and the names of its inputs."""
    inputs = torch.randn(1, 4, 8, 8), torch.randn(4, 4, 3, 3), torch.randn(4, 1, 3, 3)
    captured = capture_stage("expert", Filters(), dict(zip("xwd", inputs, strict=True)))
    module = captured.module(check_guards=False)
    apply(AtenGraph(module, inputs), names)
    program = torch.export.export(module, inputs, strict=False)
    return program, program.graph_signature.user_inputs


def test_a_convolution_that_would_stay_outside_of_xnnpack_is_named():
    lowering = pytest.importorskip("mvmoe_export.targets.executorch.lowering")
    program, (_, whole, depthwise) = with_filters(())
    for bound, weight in (({whole: "a"}, "a"), ({depthwise: "b"}, "b")):
        with raises(InputError, "export.graph-refused", graph="expert", name=weight):
            lowering.require_constant_filters("expert", program, bound)


def test_convolutions_that_become_products_are_not_refused():
    lowering = pytest.importorskip("mvmoe_export.targets.executorch.lowering")
    program, (x, whole, depthwise) = with_filters(("dynamic-convolutions",))
    lowering.require_constant_filters("expert", program, {x: "x", whole: "a"})
    with raises(InputError, "export.graph-refused", graph="expert", name="b"):
        lowering.require_constant_filters("expert", program, {whole: "a", depthwise: "b"})


class Depthwise(nn.Module):
    """An expert whose layer is a depthwise convolution."""

    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(4, 4, 3, padding=1, groups=4)

    def forward(self, tokens):
        return self.conv(tokens.reshape(len(tokens), 4, 4, -1)).reshape(tokens.shape)


class DepthwiseFunction(Depthwise):
    """The same by a function, with a weight that no layer of this kind has."""

    def __init__(self):
        super().__init__()
        self.conv = nn.ParameterDict({"weight": nn.Parameter(self.conv.weight.detach())})

    def forward(self, tokens):
        image = tokens.reshape(len(tokens), 4, 4, -1)
        filtered = nn.functional.conv2d(image, self.conv["weight"], padding=1, groups=4)
        return filtered.reshape(tokens.shape)


@pytest.mark.parametrize(
    ("expert", "operator"),
    [(Depthwise, "experts.0.conv"), (DepthwiseFunction, "conv2d")],
)
def test_experts_with_depthwise_convolutions_are_not_bound(zoo, tmp_path, expert, operator):
    """A layer is found before anything is captured, a function when its graph is lowered."""

    class Model(zoo.Foreign):
        def make_expert(self, _):
            return expert()

    with raises(InputError, "export.graph-refused", graph="step1_bind", operator=operator):
        export_bundle(Model(), tmp_path / "a", targets=["executorch"], strategy="bind")


def test_core_ml_below_executorch_is_written_but_not_checked_here(zoo, tmp_path):
    path = tmp_path / "apple.bundle"
    model = zoo.enliven(zoo.Foreign(experts=2))
    manifest = export_bundle(model, path, targets=["executorch"], options=options("coreml"))
    record = manifest.targets["executorch"]
    assert record.options["delegate"] == "coreml"
    assert record.precision == "fp16"
    assert record.parity is None
    assert all(graph.placement[0].partitions == 1 for graph in record.graphs)
    with raises(EngineError, "engine.unsupported-platform", name="coreml"):
        Dispatcher.open(path, "executorch")


def test_without_executorch_the_pip_command_is_named(zoo, tmp_path, monkeypatch):
    monkeypatch.setattr(target, "find_spec", lambda name: None)
    with raises(MissingExtraError, "extra.missing", extra="executorch"):
        export_bundle(zoo.Foreign(), tmp_path / "x.bundle", targets=["executorch"])
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("given", "name"),
    [
        ({"delegate": ("vulkan",)}, "the executorch delegate"),
        ({"compute_units": "ane"}, "the executorch compute units"),
        ({"deployment_target": "iOS12"}, "the executorch deployment target"),
    ],
)
def test_options_that_do_not_exist_are_refused(given, name):
    with raises(InputError, "input.option", name=name):
        ExecuTorchOptions(**given)


# Damage.


@pytest.fixture
def copied(ours, tmp_path):
    return shutil.copytree(ours.path, tmp_path / "copy.bundle")


def cut(data):
    return data[: len(data) // 2]


def flip(data):
    return data[:1000] + bytes([data[1000] ^ 255]) + data[1001:]


@pytest.mark.parametrize(
    ("damage", "code"), [(cut, "bundle.size-mismatch"), (flip, "bundle.hash-mismatch")]
)
def test_a_damaged_program_is_refused_by_its_hash(copied, damage, code):
    file = copied / "executorch" / "model.pte"
    file.write_bytes(damage(file.read_bytes()))
    with raises(InputError, code, file="executorch/model.pte"):
        Dispatcher.open(copied, "executorch")


def test_a_truncated_program_does_not_load(copied):
    file = copied / "executorch" / "model.pte"
    file.write_bytes(cut(file.read_bytes()))
    with raises(EngineError, "engine.load-failed", graph="stem"):
        Dispatcher.open(copied, "executorch", verify=False)

"""Profiles of the `onnx` target: one piece for the mobile providers, weights stored once."""

import logging
from collections import Counter
from pathlib import Path
from typing import get_args

import numpy as np
import onnx
import pytest
import torch
from onnxruntime.tools.mobile_helpers import usability_checker
from torch import nn

from mvmoe_deploy import Dispatcher
from mvmoe_deploy.bundle import Bundle
from mvmoe_deploy.errors import InputError
from mvmoe_export import ExportOptions, export_bundle
from mvmoe_export.bounds import bounds_for
from mvmoe_export.targets import find_target
from mvmoe_export.targets.onnx import OnnxOptions
from mvmoe_export.targets.onnx.mobile_pieces import placement
from mvmoe_export.targets.onnx.options import Profile
from mvmoe_export.targets.onnx.profiles import REWRITES
from mvmoe_export.targets.onnx.template import make_template

PROFILES = get_args(Profile)
MOBILE = PROFILES[1:]
OPTIONS = ExportOptions(targets={"onnx": OnnxOptions(profile=PROFILES)})


class Attention(nn.Module):
    """As timm writes it: one projection, five axes, unbind."""

    def __init__(self, width, heads):
        super().__init__()
        self.heads = heads
        self.qkv, self.proj = nn.Linear(width, 3 * width), nn.Linear(width, width)

    def forward(self, x):
        batch, count, width = x.shape
        qkv = self.qkv(x).reshape(batch, count, 3, self.heads, width // self.heads)
        q, k, v = qkv.permute(2, 0, 3, 1, 4).unbind(0)
        mixed = nn.functional.scaled_dot_product_attention(q, k, v)
        return self.proj(mixed.transpose(1, 2).reshape(batch, count, width))


class Embed(nn.Module):
    """Patches, a class token, positions, and one block of attention."""

    def __init__(self, width=16, heads=2):
        super().__init__()
        self.patch = nn.Conv2d(1, width, 4, stride=4)
        self.cls = nn.Parameter(torch.zeros(1, 1, width))
        self.positions = nn.Parameter(torch.zeros(1, 5, width))
        self.norm, self.attention = nn.LayerNorm(width, eps=1e-6), Attention(width, heads)

    def forward(self, flat):
        images = flat.reshape(-1, 1, 8, 8)
        patches = self.patch(images).flatten(2).transpose(1, 2)
        x = torch.cat([self.cls.expand(len(images), -1, -1), patches], dim=1) + self.positions
        x = x + self.attention(self.norm(x))
        return x[:, 0]


def exported(path, model):
    export_bundle(model, path, options=OPTIONS)


@pytest.fixture(scope="session", params=["ours-tanh", "timm-like"])
def made(request, made_once, vmoe, zoo):
    """Models with all profiles, one after the other: name, model and bundle."""
    if request.param == "timm-like":
        model = zoo.Foreign(experts=2)
        model.embed = Embed()

        def expert():
            return nn.Sequential(nn.LayerNorm(16), nn.Linear(16, 32), nn.GELU(), nn.Linear(32, 16))

        model.experts = nn.ModuleList([nn.ModuleList([expert(), expert()])])
        model = zoo.enliven(model)
    else:
        gelu = request.param.removeprefix("ours-")
        model = vmoe(depth=2, moe_layers=1, experts=2, gelu=gelu)
    path = made_once(f"profiles-{request.param}.bundle", lambda path: exported(path, model))
    return request.param, model, path


def record(made, profile):
    name = "onnx" if profile == "cpu" else f"onnx-{profile}"
    return Bundle.open(made[2]).target(name)


def found_for(graph, engine):
    (found,) = (place for place in graph.placement if place.engine == engine)
    return found


@pytest.mark.parametrize("profile", MOBILE)
def test_every_graph_is_one_piece(made, profile):
    for graph in record(made, profile).graphs:
        found = found_for(graph, profile)
        assert (found.partitions, found.nodes_outside, found.outside) == (1, 0, {})
        assert found.verdict == "YES"


def test_without_a_profile_graphs_are_in_pieces(made):
    stem = record(made, "cpu").graphs[0]
    for engine in MOBILE:
        found = found_for(stem, engine)
        assert found.partitions > 1
        assert found.nodes_outside > 0
        assert found.outside.keys() & {"LayerNormalization", "Gelu", "Gather"}


class Said(logging.Handler):
    """What the tool says to whoever runs it."""

    def __init__(self):
        super().__init__()
        self.lines = []

    def emit(self, entry):
        self.lines.append(entry.getMessage())


@pytest.mark.parametrize("profile", MOBILE)
@pytest.mark.parametrize("optimize", [False, True])
def test_the_tool_itself_agrees(made, profile, optimize):
    logger, said = logging.Logger("tool", logging.INFO), Said()
    logger.addHandler(said)
    titles = {"nnapi": "NNAPI", "coreml-ep": "CoreML MLProgram"}
    for graph in record(made, profile).graphs:
        said.lines.clear()
        path = made[2] / graph.file
        assert usability_checker.analyze_model(path, not optimize, logger)
        verdict = f"Model should perform well with {titles[profile]} as is: YES"
        assert verdict in said.lines
    if not optimize:
        wrapper = usability_checker.ModelProtoWithShapeInfo(Path(path))
        info = usability_checker.check_nnapi_partitions(wrapper.model_with_shape_info, True)
        found = found_for(graph, "nnapi")
        assert info.num_partitions == found.partitions
        assert (info.num_nodes, info.num_nodes - info.num_supported_nodes) == (
            found.nodes,
            found.nodes_outside,
        )


@pytest.mark.parametrize("profile", MOBILE)
def test_profiles_answer_alike(made, profile):
    name, model, path = made
    images = np.random.default_rng(3).standard_normal((8, *model.input.shape), np.float32)
    with Dispatcher.open(path, threads=1) as plain:
        wanted = plain.run(images)["answer"]
    with Dispatcher.open(path, f"onnx-{profile}", threads=1) as other:
        given = other.run(images)["answer"]
    approximate = profile == "nnapi" and name != "ours-tanh"
    bound = (2e-3 if approximate else 1e-5) * np.abs(wanted).max()
    np.testing.assert_allclose(given, wanted, rtol=0, atol=bound)


def test_only_a_model_with_another_gelu_is_approximated(made):
    target = record(made, "nnapi")
    approximate = made[0] != "ours-tanh"
    assert ("gelu-tanh" in target.rewrites) is approximate
    wider = bounds_for(find_target("onnx"), "fp32", target.rewrites).answer_error
    assert wider == (2e-3 if approximate else 1e-4)
    assert target.parity.verification.answer_error_bound == wider
    assert "gelu-tanh" not in record(made, "coreml-ep").rewrites


def test_weights_are_stored_once_over_all_profiles(made, distinct_bytes):
    _, model, path = made
    assert len(list(path.rglob("weights.bin"))) == 1
    files = {}
    for profile in PROFILES:
        target = record(made, profile)
        assert target.weights == "onnx/weights.bin"
        assert target.options == {"profile": profile, "opset": 20, "precision": "fp32"}
        files |= {file.path: file for file in target.files}
    on_disk = {f"onnx/{file.name}" for file in (path / "onnx").iterdir()}
    assert set(files) == on_disk
    assert len(on_disk) == 1 + len(PROFILES) * len(target.graphs)
    # Projections that are cut into three are stored cut and whole; nothing else is there twice.
    stored = files["onnx/weights.bin"].bytes
    attention = sum(
        module.weight.nbytes + module.bias.nbytes
        for name, module in model.named_modules()
        if name.endswith("qkv")
    )
    tensors = sum(len(record(made, profile).graphs) * 40 for profile in PROFILES)
    assert stored <= distinct_bytes(model) + 2 * attention + 64 * tensors


def test_a_graph_without_values_between_its_nodes_has_a_placement():
    value = onnx.helper.make_tensor_value_info
    one, two, given = (value(name, onnx.TensorProto.FLOAT, [1, 4]) for name in "abx")
    nodes = [onnx.helper.make_node("Relu", ["x"], [name]) for name in "ab"]
    graph = onnx.helper.make_graph(nodes, "g", [given], [one, two])
    for found in placement(onnx.helper.make_model(graph)):
        assert (found.nodes, found.nodes_outside) == (2, 0)


@pytest.mark.parametrize("profiles", [(), ("cpu", "cpu"), ("gpu",), ("cpu", "NNAPI")])
def test_profiles_that_make_no_sense_are_one_sentence(profiles):
    with pytest.raises(InputError, check=lambda error: error.code == "input.option"):
        OnnxOptions(profile=profiles)


class Expert(nn.Module):
    """Layers whose weights are taken out of stacks, as the strategy `gather` does it."""

    def __init__(self):
        super().__init__()
        sizes = {"conv": (4, 4, 3, 3), "conv_bias": (4,), "first": (8, 4), "second": (3, 8)}
        for name, size in sizes.items():
            self.register_buffer(name, torch.randn(5, *size))

    def forward(self, x, index):
        weights = {name: stack.index_select(0, index)[0] for name, stack in self.named_buffers()}
        features = nn.functional.conv2d(x, weights["conv"], weights["conv_bias"]).flatten(1)
        hidden = nn.functional.linear(features, weights["first"]).relu()
        return nn.functional.linear(hidden, weights["second"])


@pytest.mark.parametrize("profile", MOBILE)
def test_layers_with_weights_that_are_no_constants_are_products_for_a_mobile_provider(profile):
    inputs = {"x": torch.randn(1, 4, 3, 3), "index": torch.tensor([2])}
    names = REWRITES[profile]
    body = make_template("expert", Expert().eval(), inputs, ("y",), 18, rewrites=names).body
    operators = Counter(node.op_type for node in body.graph.node)
    # A row of the 3 x 3 kernel each, and two linear layers.
    assert operators["MatMul"] == 3 + 2
    assert not {"Gemm", "Conv"} & operators.keys()
    shapes = {value.name: len(value.type.tensor_type.shape.dim) for value in shaped(body)}
    factors = [node.input[1] for node in body.graph.node if node.op_type == "MatMul"]
    # NNAPI takes a product of two values only with three axes.
    assert {shapes[name] for name in factors} == {3}
    made = {output: node.op_type for node in body.graph.node for output in node.output}
    assert {made[name] for name in factors} == {"Gather"}, "nothing of a weight is moved"


def shaped(model):
    return onnx.shape_inference.infer_shapes(model).graph.value_info

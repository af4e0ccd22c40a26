"""Whole converted models against PyTorch."""

import threading

import numpy as np
import pytest
import torch
from expected_errors import raises
from torch import nn

from mvmoe_deploy.errors import EngineError, InputError
from mvmoe_deploy.models import build
from mvmoe_deploy.models.families.mobile_vmoe import MobileVMoEConfig
from mvmoe_deploy.runtime.runners.coreml_reference.load import load_function
from mvmoe_export.stages import make_stages

TOLERANCE = {"FLOAT32": 1e-5, "FLOAT16": 1e-2}
"""Of the largest value: another order of additions; ten roundings to fp16 (5e-4) one on another."""


def run(path, *arrays, function=None):
    loaded = load_function(path, function)
    feed = {
        name: np.asarray(array, told.dtype)
        for (name, told), array in zip(loaded.inputs.items(), arrays, strict=True)
    }
    return next(iter(loaded.run(feed).values()))


def close(given, wanted, precision):
    wanted = wanted.detach().numpy()
    atol = TOLERANCE[precision] * np.abs(wanted).max()
    np.testing.assert_allclose(given.astype(np.float32), wanted, rtol=0, atol=atol)


@pytest.mark.parametrize("precision", ["FLOAT32", "FLOAT16"])
@pytest.mark.parametrize("target", ["iOS15", "iOS16", "iOS17", "iOS18"])
def test_a_convolutional_network(convert, convnet, target, precision):
    model, image = convnet
    path = convert(model, image, target=target, precision=precision)
    close(run(path, image), model(image), precision)


@pytest.fixture(scope="module")
def stages():
    config = MobileVMoEConfig(
        image_size=32, patch_size=8, num_classes=7, width=48, depth=3, heads=3, experts=3
    )
    return make_stages(build(config, seed=0).eval())


@pytest.mark.parametrize("precision", ["FLOAT32", "FLOAT16"])
def test_the_stages_of_a_routed_model(convert, stages, precision):
    for stage in stages.specs:
        module = stage.graphs[-1].build().eval()
        generator = torch.Generator().manual_seed(0)
        examples = tuple(
            torch.randn(example.shape, generator=generator)
            for example in stage.graphs[0].inputs.values()
        )
        path = convert(module, *examples, precision=precision, outputs=stage.outputs)
        function = load_function(path)
        feed = {
            name: np.asarray(example, told.dtype)
            for (name, told), example in zip(function.inputs.items(), examples, strict=True)
        }
        given = function.run(feed)
        with torch.no_grad():
            wanted = module(*examples)
        wanted = [wanted] if isinstance(wanted, torch.Tensor) else wanted
        for name, tensor in zip(stage.outputs, wanted, strict=True):
            close(given[name], tensor, precision)


def selected(x):
    """What routing inside a graph is made of: scores, the best of them, weights by index."""
    weights = torch.linspace(-1, 1, 4 * 6 * 3).reshape(4, 6, 3)
    scores = (x @ torch.linspace(0, 1, 24).reshape(6, 4)).mean(1).softmax(-1)
    values, indices = scores.topk(2, dim=-1)
    chosen = weights.index_select(0, indices[0])
    return torch.einsum("bnd,bde->bne", x.expand(2, -1, -1), chosen) * values.reshape(2, 1, 1)


def masked(x):
    """All experts computed, and a mask of the best."""
    scores = x.mean(1)[:, :4]
    mask = (scores == scores.amax(-1, keepdim=True)).float() * scores.sigmoid()
    return (
        torch.stack([x * (index + 1) for index in range(4)], 1).mul(mask[:, :, None, None]).sum(1)
    )


def rearranged(x):
    """Slices, joins and moves, as in windows and heads."""
    first, second = x.chunk(2, dim=-1)
    parts = torch.cat([second, first.flip(1), x[:, :, 1:4]], dim=-1)
    parts = nn.functional.pad(parts, (1, 2)).roll(2, dims=1)
    return parts.reshape(1, 4, 2, 12).permute(0, 2, 1, 3).repeat(1, 1, 2, 1).squeeze(0)[:, 1:, ::2]


def calculated(x):
    """Functions of one value, and sums of many."""
    x = torch.where(x > 0.5, x.clamp(max=1.0), x.abs().sqrt() + x.exp().log1p())
    x = x / (x.pow(2).sum(-1, keepdim=True) + 1e-3).rsqrt() - x.var(-1, keepdim=True)
    return x.tanh() + nn.functional.leaky_relu(x) + x.cumsum(1) + nn.functional.softplus(x)


@pytest.mark.parametrize("precision", ["FLOAT32", "FLOAT16"])
@pytest.mark.parametrize("target", ["iOS16", "iOS18"])
@pytest.mark.parametrize("calculation", [selected, masked, rearranged, calculated])
def test_ops_that_coremltools_evaluates(convert, calculation, target, precision):
    class Module(nn.Module):
        def forward(self, x):
            return calculation(x)

    # Values that fp16 has: else another expert may be the best.
    x = torch.from_numpy(np.random.default_rng(0).standard_normal((1, 8, 6)).astype(np.float16))
    path = convert(Module(), x.float(), target=target, precision=precision)
    close(run(path, x), calculation(x.float()), precision)


class Heads(nn.Module):
    """A trunk that is shared, and a head of its own."""

    def __init__(self, trunk, seed):
        super().__init__()
        torch.manual_seed(seed)
        self.trunk, self.head = trunk, nn.Linear(16, 4)

    def forward(self, x):
        return self.head(torch.relu(self.trunk(x)))


@pytest.fixture(scope="module")
def multifunction(convert, coreml, tmp_path_factory):
    """One package with three functions over one trunk."""
    trunk, example = nn.Linear(8, 16), torch.randn(1, 8)
    models = [Heads(trunk, seed).eval() for seed in range(3)]
    descriptor = coreml.ct.utils.MultiFunctionDescriptor()
    for number, model in enumerate(models):
        descriptor.add_function(str(convert(model, example, target="iOS18")), "main", f"e{number}")
    descriptor.default_function_name = "e1"
    path = tmp_path_factory.mktemp("multi") / "all.mlpackage"
    coreml.ct.utils.save_multifunction(descriptor, str(path))
    return path, models, example


def test_each_function_of_a_package(multifunction):
    path, models, example = multifunction
    for number, model in enumerate(models):
        close(run(path, example, function=f"e{number}"), model(example), "FLOAT32")
    close(run(path, example), models[1](example), "FLOAT32")


def test_a_missing_function_is_named_with_those_there_are(multifunction, healthy):
    with raises(EngineError, "engine.failed", name="e9", found=["e0", "e1", "e2"]):
        load_function(multifunction[0], "e9")
    with raises(EngineError, "engine.failed", name="e9", found=["main"]):
        load_function(healthy, "e9")


@pytest.mark.parametrize(("target", "packing"), [("iOS16", "int8"), ("iOS18", "palette")])
def test_packed_weights(convert, coreml, convnet, target, packing):
    """Unpacked as coremltools itself unpacks them."""
    optimize = coreml.ct.optimize.coreml
    pack, operation = {
        "int8": (
            optimize.linear_quantize_weights,
            optimize.OpLinearQuantizerConfig(weight_threshold=8),
        ),
        "palette": (
            optimize.palettize_weights,
            optimize.OpPalettizerConfig(nbits=4, mode="uniform", weight_threshold=8),
        ),
    }[packing]

    def packed(model):
        return pack(model, optimize.OptimizationConfig(global_config=operation))

    def unpacked(model):
        return optimize.decompress_weights(packed(model))

    model, image = convnet
    given = run(convert(model, image, target=target, edit=packed), image)
    wanted = run(convert(model, image, target=target, edit=unpacked), image)
    np.testing.assert_allclose(given, wanted, rtol=0, atol=1e-6)


def test_an_image_input_takes_pixels(convert, coreml, convnet):
    model, _ = convnet
    pixels = np.random.default_rng(0).integers(0, 256, (1, 3, 32, 32)).astype(np.float32)
    image = coreml.ct.ImageType(name="in0", shape=(1, 3, 32, 32), scale=1 / 127.5, bias=[-1] * 3)
    path = convert(model, torch.randn(1, 3, 32, 32), inputs=[image])
    close(run(path, pixels), model(torch.from_numpy(pixels / 127.5 - 1)), "FLOAT32")


# How it computes.


def test_every_op_of_an_fp16_program_rounds(run_op, coreml):
    """1 + 2^-12 is 1 in fp16: in fp32 all the way, the result would be 2^-12."""
    x = np.full((1, 4), 2.0**-12, np.float16)
    one = np.float16(1)

    def build(x):
        return coreml.mb.sub(x=coreml.mb.add(x=x, y=one), y=one)

    given = run_op(build, x)
    assert given.dtype == np.float16
    np.testing.assert_array_equal(given, 0)
    np.testing.assert_array_equal(run_op(build_fp32(coreml), x.astype(np.float32)), 2.0**-12)


def build_fp32(coreml):
    return lambda x: coreml.mb.sub(x=coreml.mb.add(x=x, y=1.0), y=1.0)


def test_within_an_op_nothing_is_rounded(run_op, coreml):
    """2048 + 1 is 2048 in fp16, however often: a sum rounded on its way would stay there."""
    x = np.full((1, 4096), 1, np.float16)
    given = run_op(lambda x: coreml.mb.reduce_sum(x=x, axes=[1], keep_dims=True), x)
    np.testing.assert_array_equal(given, 4096)


def test_what_fp16_cannot_hold_is_infinite(run_op, coreml):
    given = run_op(lambda x: coreml.mb.square(x=x), np.float16([[300, -1]]))
    np.testing.assert_array_equal(given, [[np.inf, 1]])


def test_values_are_released_after_their_last_reader(op_package, coreml):
    def build(x):
        for _ in range(20):
            x = coreml.mb.relu(x=coreml.mb.add(x=x, y=1.0))
        return x

    function = load_function(op_package(build, np.zeros((10, 100), np.float32)))
    assert function.most_bytes == 2 * 4 * 1000
    function.run({name: np.zeros((10, 100), np.float32) for name in function.inputs})
    slots = [slot for step in function._steps for slot in step.outputs]
    assert all(slot.value is None for slot in slots)


def test_results_belong_to_the_caller(healthy):
    function = load_function(healthy)
    image = {"in0": np.ones((1, 3, 32, 32), np.float16)}
    first = function.run(image)["out"]
    wanted = first.copy()
    first[:] = 0
    np.testing.assert_array_equal(function.run(image)["out"], wanted)


def test_one_function_runs_in_many_threads(healthy):
    function = load_function(healthy)
    images = [np.full((1, 3, 32, 32), value, np.float16) for value in (0.1, 0.5, 1, 2)]
    wanted = [function.run({"in0": image})["out"] for image in images]
    given = [None] * len(images)

    def work(index):
        for _ in range(5):
            given[index] = function.run({"in0": images[index]})["out"]

    threads = [threading.Thread(target=work, args=(index,)) for index in range(len(images))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    np.testing.assert_array_equal(given, wanted)


@pytest.mark.parametrize(
    "inputs",
    [
        {},
        {"in0": np.zeros((1, 3, 32, 32), np.float32)},
        {"in0": np.zeros((1, 3, 32, 31), np.float16)},
        {"other": np.zeros((1, 3, 32, 32), np.float16)},
    ],
)
def test_other_inputs_are_refused(healthy, inputs):
    with raises(
        InputError, "input.invalid", name="main", expected={"in0": "float16 [1, 3, 32, 32]"}
    ):
        load_function(healthy).run(inputs)

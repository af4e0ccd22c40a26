"""How weights are stored in few bits: what an engine unpacks is the weight, within half a step."""

import math

import numpy as np
import pytest
import torch

from mvmoe_deploy.quiet_imports import import_quietly
from mvmoe_export.targets.coreml import CoreMLOptions
from mvmoe_export.targets.coreml.forms import form_of

with import_quietly():
    from coremltools import _OPSET  # noqa: F401  # Imports what follows in the right order.
    from coremltools.converters.mil.mil.ops.defs.iOS16 import constexpr_ops as older
    from coremltools.converters.mil.mil.ops.defs.iOS18 import compression as newer

RECIPES = ("int8", "int4", "palette-6", "palette-4")

# The shape of a weight, the axis of its outputs, and the shape of int4's blocks.
WEIGHTS = (
    ((64, 96), 0, (1, 32)),
    ((96, 64), 1, (32, 1)),
    ((48, 24), 0, (1, 24)),
    ((10, 64, 3, 3), 0, (1, 32, 1, 1)),
    ((24, 3, 16, 16), 0, (1, 1, 2, 16)),
    ((6, 3, 7, 7), 0, (1, 3, 1, 7)),
    ((1, 192), 0, (1, 32)),
)


def random(shape):
    weight = torch.randn(shape, generator=torch.Generator().manual_seed(0))
    return weight * torch.logspace(-2, 1, shape[0]).reshape(-1, *[1] * (len(shape) - 1))


def packed(weight, axis, recipe, system="iOS18", dtype=torch.float16):
    """The operator, and what is stored of a weight by the operator's arguments."""
    form = form_of(CoreMLOptions(precision=recipe, deployment_target=system))
    return form, {part.argument: part.content for part in form.packed(weight, axis, dtype)}


def unpacked(form, stored, system="iOS18"):
    """A weight as coremltools unpacks it."""
    operators = newer if system == "iOS18" else older
    operator = getattr(operators, form.operator)
    order = {
        "constexpr_blockwise_shift_scale": ("data", "scale", "offset"),
        "constexpr_affine_dequantize": ("quantized_data", "zero_point", "scale", "axis"),
        "constexpr_lut_to_dense": ("indices", "lut", "vector_axis")
        if operators is newer
        else ("lut", "indices", "shape"),
    }[form.operator]
    wide = {
        name: array.astype(np.float32) if array.dtype == np.float16 else array
        for name, array in stored.items()
    }
    return torch.from_numpy(operator.decompress(*[wide.get(name) for name in order]))


def blocks_of(weight, blocks):
    """Each block of a weight as a row, made without the code that is tested."""
    counts = [range(0, size, block) for size, block in zip(weight.shape, blocks, strict=True)]
    places = np.stack(np.meshgrid(*counts, indexing="ij"), axis=-1).reshape(-1, weight.ndim)
    rows = [
        weight[tuple(slice(at, at + size) for at, size in zip(place, blocks, strict=True))]
        for place in places
    ]
    return torch.stack([row.reshape(-1) for row in rows])


@pytest.mark.parametrize("system", ["iOS16", "iOS18"])
@pytest.mark.parametrize(("shape", "axis"), [weight[:2] for weight in WEIGHTS])
def test_int8_has_a_scale_for_each_output(shape, axis, system):
    weight = random(shape)
    form, stored = packed(weight, axis, "int8", system)
    block = [1 if at == axis else size for at, size in enumerate(shape)]
    steps = blocks_of(weight, block).abs().amax(dim=1) / 127
    error = blocks_of(unpacked(form, stored, system) - weight, block).abs().amax(dim=1)
    # The scale is rounded to 11 bits, by which 127 steps are off by 0.07 of one.
    assert (error <= 0.57 * steps).all()


@pytest.mark.parametrize(("shape", "axis", "block"), WEIGHTS)
def test_int4_has_a_scale_for_each_32_weights_or_what_the_shape_can_be_divided_into(
    shape, axis, block
):
    weight = random(shape)
    form, stored = packed(weight, axis, "int4")
    counts = tuple(size // step for size, step in zip(shape, block, strict=True))
    assert stored["scale"].shape == counts
    steps = blocks_of(weight, block).abs().amax(dim=1) / 7
    error = blocks_of(unpacked(form, stored) - weight, block).abs().amax(dim=1)
    assert (error <= 0.504 * steps).all()


@pytest.mark.parametrize(
    ("recipe", "bits", "system"),
    [("palette-6", 6, "iOS16"), ("palette-6", 6, "iOS18"), ("palette-4", 4, "iOS18")],
)
@pytest.mark.parametrize(("shape", "axis"), [weight[:2] for weight in WEIGHTS])
def test_a_palette_gives_the_nearest_of_its_values(shape, axis, recipe, bits, system):
    weight = random(shape)
    form, stored = packed(weight, axis, recipe, system)
    outputs = {64: 16, 48: 16, 10: 10, 24: 12, 6: 6, 1: 1}[shape[axis]]
    together = [outputs if at == axis else size for at, size in enumerate(shape)]
    block = shape if bits == 6 else together
    tables = torch.from_numpy(stored["lut"]).float().reshape(-1, 2**bits)
    given = blocks_of(unpacked(form, stored, system), block)
    rows = blocks_of(weight, block)
    assert len(tables) == len(rows) == math.prod(shape) // math.prod(block)
    nearest = (rows[:, :, None] - tables[:, None]).abs().amin(dim=2)
    torch.testing.assert_close((given - rows).abs(), nearest, rtol=0, atol=1e-6)


@pytest.mark.parametrize("recipe", RECIPES)
def test_a_channel_of_zeros_stays_zero(recipe):
    weight = random((64, 96))
    weight[5] = 0
    weight[7] = 1e-9  # Its scale is zero in fp16.
    given = unpacked(*packed(weight, 0, recipe))
    assert given.isfinite().all()
    least = 0 if recipe.startswith("int") else 0.05
    assert given[5].abs().max() <= least
    assert given[7].abs().max() <= least
    if recipe == "palette-4":
        weight[:16] = 0
        assert not unpacked(*packed(weight, 0, recipe))[:16].any()


@pytest.mark.parametrize("recipe", RECIPES)
def test_the_bits_of_a_weight_are_known_by_its_shape(recipe):
    for shape, axis, _ in WEIGHTS:
        form, stored = packed(random(shape), axis, recipe)
        beside = stored.get("scale", stored.get("lut"))
        bits = math.prod(shape) * form.bits + beside.size * 16
        assert form.bits_of(shape, axis, 2) == bits


@pytest.mark.parametrize("recipe", RECIPES)
def test_weights_beyond_fp16_have_scales_and_tables_in_fp32(recipe):
    weight = random((64, 96)) * 1e5
    form, stored = packed(weight, 0, recipe, dtype=torch.float32)
    assert stored.get("scale", stored.get("lut")).dtype == np.float32
    assert (unpacked(form, stored) - weight).abs().max() < 0.2 * weight.abs().max()

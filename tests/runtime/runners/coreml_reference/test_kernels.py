"""Every op that is implemented here, against PyTorch.

Both compute in fp32 and add in another order: 1e-5 of the largest value covers that.
"""

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

QUICK = settings(
    max_examples=12,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)


def normal(*shape, seed=0):
    return np.random.default_rng(seed).standard_normal(shape).astype(np.float32)


def close(given, wanted):
    wanted = wanted.numpy() if isinstance(wanted, torch.Tensor) else np.asarray(wanted)
    assert given.dtype == wanted.dtype
    assert given.shape == wanted.shape
    np.testing.assert_allclose(given, wanted, rtol=0, atol=1e-5 * max(1.0, np.abs(wanted).max()))


def t(array):
    return torch.from_numpy(np.ascontiguousarray(array))


# Convolution.


@QUICK
@given(
    rank=st.integers(1, 3),
    groups=st.sampled_from([1, 2, 4]),
    multiple=st.integers(1, 2),
    kernel=st.integers(1, 3),
    stride=st.integers(1, 3),
    dilation=st.integers(1, 2),
    pad=st.integers(0, 2),
    bias=st.booleans(),
)
def test_conv(run_op, coreml, *, rank, groups, multiple, kernel, stride, dilation, pad, bias):
    x, weight = normal(2, 4, *[7, 6, 5][:rank]), normal(4 * multiple, 4 // groups, *[kernel] * rank)
    offset = normal(4 * multiple, seed=1) if bias else None
    numbers = [stride] * rank, [pad] * rank, [dilation] * rank

    def build(x):
        return coreml.mb.conv(
            x=x,
            weight=weight,
            strides=numbers[0],
            pad_type="custom",
            pad=[pad] * 2 * rank,
            dilations=numbers[2],
            groups=groups,
            **({"bias": offset} if bias else {}),
        )

    conv = (F.conv1d, F.conv2d, F.conv3d)[rank - 1]
    wanted = conv(t(x), t(weight), t(offset) if bias else None, *numbers, groups)
    close(run_op(build, x), wanted)


@pytest.mark.parametrize("kernel", [2, 3, 4])
def test_conv_same_pads_more_at_the_end(run_op, coreml, kernel):
    x, weight = normal(1, 2, 6, 7), normal(3, 2, kernel, kernel)
    given = run_op(lambda x: coreml.mb.conv(x=x, weight=weight, pad_type="same"), x)
    close(given, F.conv2d(t(x), t(weight), padding="same"))


def test_conv_same_lower_pads_more_at_the_start(run_op, coreml):
    x, weight = normal(1, 2, 6, 7), normal(3, 2, 2, 2)
    given = run_op(lambda x: coreml.mb.conv(x=x, weight=weight, pad_type="same_lower"), x)
    close(given, F.conv2d(F.pad(t(x), (1, 0, 1, 0)), t(weight)))


@QUICK
@given(
    groups=st.sampled_from([1, 2, 4]),
    kernel=st.integers(2, 4),
    stride=st.integers(1, 3),
    dilation=st.integers(1, 2),
    pad=st.integers(0, 1),
    extra=st.integers(0, 1),
)
def test_conv_transpose(run_op, coreml, *, groups, kernel, stride, dilation, pad, extra):
    extra = min(extra, max(stride, dilation) - 1)
    x, weight, bias = normal(2, 4, 5, 4), normal(4, 3, kernel, kernel), normal(3 * groups)
    wanted = F.conv_transpose2d(t(x), t(weight), t(bias), stride, pad, extra, groups, dilation)

    def build(x):
        return coreml.mb.conv_transpose(
            x=x,
            weight=weight,
            bias=bias,
            strides=[stride] * 2,
            pad_type="custom",
            pad=[pad] * 4,
            dilations=[dilation] * 2,
            groups=groups,
            output_shape=list(wanted.shape),
        )

    close(run_op(build, x), wanted)


# Pooling.


@QUICK
@given(
    kernel=st.integers(2, 3),
    stride=st.integers(1, 3),
    pad=st.integers(0, 1),
    ceil=st.booleans(),
    size=st.integers(5, 8),
    excluded=st.booleans(),
)
def test_pooling(run_op, coreml, *, kernel, stride, pad, ceil, size, excluded):
    stride = min(stride, kernel)  # Beyond that MIL has a last window with nothing in it.
    x = normal(2, 3, size, size + 1)
    shape = {
        "kernel_sizes": [kernel] * 2,
        "strides": [stride] * 2,
        "pad_type": "custom",
        "pad": [pad] * 4,
        "ceil_mode": ceil,
    }
    largest, mean = run_op(
        lambda x: (
            coreml.mb.max_pool(x=x, **shape),
            coreml.mb.avg_pool(x=x, exclude_padding_from_average=excluded, **shape),
        ),
        x,
    )
    close(largest, F.max_pool2d(t(x), kernel, stride, pad, ceil_mode=ceil))
    close(mean, F.avg_pool2d(t(x), kernel, stride, pad, ceil, count_include_pad=not excluded))


def test_l2_pool(run_op, coreml):
    x = normal(1, 2, 6, 6)
    given = run_op(
        lambda x: coreml.mb.l2_pool(x=x, kernel_sizes=[2, 2], strides=[2, 2], pad_type="valid"), x
    )
    close(given, F.lp_pool2d(t(x), 2.0, 2))


# Normalisation.


@pytest.mark.parametrize("shape", [(2, 3, 5), (2, 3, 5, 4), (1, 3, 2, 3, 4)])
def test_batch_norm(run_op, coreml, shape):
    x, mean, gamma, beta = normal(*shape), normal(3), normal(3, seed=1), normal(3, seed=2)
    variance = np.abs(normal(3, seed=3)) + 0.1

    def build(x):
        return coreml.mb.batch_norm(
            x=x, mean=mean, variance=variance, gamma=gamma, beta=beta, epsilon=1e-3
        )

    wanted = F.batch_norm(t(x), t(mean), t(variance), t(gamma), t(beta), eps=1e-3)
    close(run_op(build, x), wanted)


def test_instance_norm(run_op, coreml):
    x, gamma, beta = normal(2, 3, 4, 5), normal(3), normal(3, seed=1)

    def build(x):
        return coreml.mb.instance_norm(x=x, gamma=gamma, beta=beta, epsilon=1e-4)

    close(run_op(build, x), F.instance_norm(t(x), weight=t(gamma), bias=t(beta), eps=1e-4))


def test_local_response_norm(run_op, coreml):
    x = normal(2, 6, 4, 4)
    given = run_op(
        lambda x: coreml.mb.local_response_norm(x=x, size=3, alpha=0.3, beta=0.6, k=1.5), x
    )
    close(given, F.local_response_norm(t(x), 3, 0.3, 0.6, 1.5))


# Activations and attention.


WIDE = np.concatenate([normal(50) * 3, np.float32([-200, -90, -1e-3, 0, 1e-3, 90, 200])])


@pytest.mark.parametrize(
    ("name", "options", "wanted"),
    [
        ("silu", {}, F.silu),
        ("thresholded_relu", {"alpha": 0.5}, lambda x: torch.where(x < 0.5, 0.0, x)),
        ("sigmoid", {}, torch.sigmoid),
        ("erf", {}, torch.erf),
        ("gelu", {"mode": "EXACT"}, F.gelu),
        ("gelu", {"mode": "TANH_APPROXIMATION"}, lambda x: F.gelu(x, approximate="tanh")),
        ("gelu", {"mode": "SIGMOID_APPROXIMATION"}, lambda x: x * torch.sigmoid(1.702 * x)),
    ],
)
def test_activations(run_op, coreml, name, options, wanted):
    given = run_op(lambda x: getattr(coreml.mb, name)(x=x, **options), WIDE)
    close(given, wanted(t(WIDE)))


@pytest.mark.parametrize("kind", ["none", "bool", "float"])
def test_attention(run_op, coreml, kind):
    query, key, value = normal(2, 3, 5, 8), normal(2, 3, 7, 8, seed=1), normal(2, 3, 7, 4, seed=2)
    mask = {"none": None, "bool": normal(5, 7) > -0.5, "float": normal(5, 7)}[kind]
    options = {} if mask is None else {"attn_mask": mask}

    def build(query, key, value):
        return coreml.mb.scaled_dot_product_attention(query=query, key=key, value=value, **options)

    given = run_op(build, query, key, value, target="iOS18")
    masks = None if mask is None else t(mask)
    close(given, F.scaled_dot_product_attention(t(query), t(key), t(value), masks))


# Indexing and rearranging.


@pytest.mark.parametrize("axis", [-1, 0, 1])
def test_one_hot(run_op, coreml, axis):
    indices = np.int32([[0, 2, 1], [3, 0, 2]])

    def build(x):
        return coreml.mb.one_hot(
            indices=x, one_hot_vector_size=4, axis=axis, on_value=2.0, off_value=0.5
        )

    wanted = F.one_hot(t(indices).long(), 4).float() * 1.5 + 0.5
    close(run_op(build, indices), wanted.movedim(-1, axis))


def test_gather_nd(run_op, coreml):
    x, indices = normal(3, 4, 5), np.int32([[0, 1], [2, 3], [1, 0]])
    given = run_op(lambda x: coreml.mb.gather_nd(x=x, indices=indices, batch_dims=0), x)
    close(given, t(x)[[0, 2, 1], [1, 3, 0]])


MODES = {"add": "sum", "mul": "prod", "max": "amax", "min": "amin"}
"""PyTorch's names of the modes that it has."""


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("axis", [0, -1])
def test_scatter_along_axis_meets_every_update_of_a_place(run_op, coreml, mode, axis):
    x, updates = normal(4, 5), normal(4, 5)
    indices = np.random.default_rng(0).integers(0, 3, (4, 5), dtype=np.int32)

    def build(x, updates):
        return coreml.mb.scatter_along_axis(
            data=x, indices=indices, updates=updates, axis=axis, mode=mode, validate_indices=False
        )

    wanted = t(x).scatter_reduce(axis, t(indices).long(), t(updates), MODES[mode])
    close(run_op(build, x, updates), wanted)


@pytest.mark.parametrize(("mode", "sign"), [("add", 1), ("sub", -1)])
def test_scatter_and_scatter_nd_meet_every_update_of_a_row(run_op, coreml, mode, sign):
    x, updates, rows = normal(4, 5), normal(3, 5), np.int32([2, 0, 2])
    wanted = t(x).index_add(0, t(rows).long(), sign * t(updates))
    same = {"mode": mode, "validate_indices": False}

    def nd(x, updates):
        return coreml.mb.scatter_nd(data=x, indices=rows[:, None], updates=updates, **same)

    def along(x, updates):
        return coreml.mb.scatter(data=x, indices=rows, updates=updates, axis=0, **same)

    close(run_op(nd, x, updates), wanted)
    close(run_op(along, x, updates), wanted)


def test_scatter_replaces_and_divides(run_op, coreml):
    x, updates, rows = normal(4, 5), 1 + normal(2, 4) ** 2, np.int32([4, 1])

    def build(mode):
        def scatter(x, updates):
            return coreml.mb.scatter(
                data=x, indices=rows, updates=updates, axis=1, mode=mode, validate_indices=False
            )

        return scatter

    wanted = t(x).clone()
    wanted[:, [4, 1]] = t(updates).T
    close(run_op(build("update"), x, updates.T.copy()), wanted)
    wanted = t(x).clone()
    wanted[:, [4, 1]] /= t(updates).T
    close(run_op(build("div"), x, updates.T.copy()), wanted)


@pytest.mark.parametrize("factor", [2, 3])
def test_pixel_shuffle_and_its_inverse(run_op, coreml, factor):
    x, y = normal(2, 2 * factor**2, 3, 4), normal(2, 2, 3 * factor, 4 * factor)
    given = run_op(lambda x: coreml.mb.pixel_shuffle(x=x, upscale_factor=factor), x)
    close(given, F.pixel_shuffle(t(x), factor))
    given = run_op(lambda x: coreml.mb.pixel_unshuffle(x=x, downscale_factor=np.uint32(factor)), y)
    close(given, F.pixel_unshuffle(t(y), factor))


def test_depth_to_space_and_its_inverse(run_op, coreml):
    """The channel counts the blocks first: PyTorch's layout with its two parts swapped."""
    x = normal(2, 12, 3, 4)
    swapped = t(x).reshape(2, 4, 3, 3, 4).swapaxes(1, 2).reshape(2, 12, 3, 4)
    wide = run_op(lambda x: coreml.mb.depth_to_space(x=x, block_size=2), x)
    close(wide, F.pixel_shuffle(swapped, 2))
    close(run_op(lambda x: coreml.mb.space_to_depth(x=x, block_size=2), wide), x)


# Resizing.


@QUICK
@given(height=st.integers(1, 9), width=st.integers(1, 9))
def test_resize(run_op, coreml, height, width):
    x = normal(1, 2, 4, 5)
    sizes = {"target_size_height": height, "target_size_width": width}
    nearest, unaligned, aligned = run_op(
        lambda x: (
            coreml.mb.resize_nearest_neighbor(x=x, **sizes),
            coreml.mb.resize_bilinear(x=x, sampling_mode="UNALIGN_CORNERS", **sizes),
            coreml.mb.resize_bilinear(x=x, sampling_mode="STRICT_ALIGN_CORNERS", **sizes),
        ),
        x,
    )
    size = (height, width)
    close(nearest, F.interpolate(t(x), size))
    close(unaligned, F.interpolate(t(x), size, mode="bilinear"))
    close(aligned, F.interpolate(t(x), size, mode="bilinear", align_corners=True))


@pytest.mark.parametrize("factors", [(2, 3), (1.5, 2.5), (0.5, 1.0)])
def test_upsample(run_op, coreml, factors):
    x = normal(1, 2, 4, 6)
    scale = {"scale_factor_height": factors[0], "scale_factor_width": factors[1]}
    nearest, unaligned, aligned = run_op(
        lambda x: (
            coreml.mb.upsample_nearest_neighbor(x=x, **scale),
            coreml.mb.upsample_bilinear(x=x, align_corners=False, **scale),
            coreml.mb.upsample_bilinear(x=x, align_corners=True, **scale),
        ),
        x,
    )
    options = {"scale_factor": factors, "recompute_scale_factor": True}
    close(nearest, F.interpolate(t(x), **options))
    close(unaligned, F.interpolate(t(x), mode="bilinear", **options))
    close(aligned, F.interpolate(t(x), mode="bilinear", align_corners=True, **options))


@pytest.mark.parametrize(
    ("mode", "wanted"),
    [
        ("UNALIGN_CORNERS", [0.0, 0.1, 0.5, 0.9, 1.0]),
        ("STRICT_ALIGN_CORNERS", [0.0, 0.25, 0.5, 0.75, 1.0]),
        ("ALIGN_CORNERS", [0.0, 0.25, 0.5, 0.75, 1.0]),
        ("DEFAULT", [0.0, 0.4, 0.8, 1.0, 1.0]),
        ("OFFSET_CORNERS", [0.1, 0.3, 0.5, 0.7, 0.9]),
    ],
)
def test_the_sampling_grids_are_those_of_the_documentation(run_op, coreml, mode, wanted):
    def build(x):
        return coreml.mb.resize_bilinear(
            x=x, target_size_height=1, target_size_width=5, sampling_mode=mode
        )

    close(run_op(build, np.float32([[[[0, 1]]]]))[0, 0, 0], np.float32(wanted))


# Quantization.


def test_affine_weights(run_op, coreml):
    data = np.random.default_rng(0).integers(-128, 128, (4, 6)).astype(np.int8)
    scale, zero = np.abs(normal(4)) / 50, np.int8([0, 3, -5, 100])

    def build(x):
        weight = coreml.mb.constexpr_affine_dequantize(
            quantized_data=data, zero_point=zero, scale=scale, axis=np.int32(0)
        )
        return coreml.mb.add(x=x, y=weight)

    wanted = (t(data).float() - t(zero).float()[:, None]) * t(scale)[:, None]
    close(run_op(build, np.zeros((4, 6), np.float32), target="iOS16"), wanted)


@pytest.mark.parametrize("bits", ["int8", "int4", "uint4"])
def test_blockwise_weights(run_op, coreml, bits):
    types = coreml.ct.converters.mil.mil.types
    low, high = {"int8": (-128, 128), "int4": (-8, 8), "uint4": (0, 16)}[bits]
    values = np.random.default_rng(0).integers(low, high, (4, 6))
    data = values.astype(types.nptype_from_builtin(types.string_to_builtin(bits)))
    scale = np.abs(normal(4, 3))

    def build(x):
        return coreml.mb.add(
            x=x, y=coreml.mb.constexpr_blockwise_shift_scale(data=data, scale=scale)
        )

    wanted = t(values).float() * t(scale).repeat_interleave(2, 1)
    close(run_op(build, np.zeros((4, 6), np.float32), target="iOS18"), wanted)


@pytest.mark.parametrize("bits", [1, 2, 4, 8])
def test_palettes(run_op, coreml, bits):
    from coremltools.optimize._utils import pack_elements_into_bits

    indices = np.random.default_rng(0).integers(0, 2**bits, (5, 6)).astype(np.uint8)
    palette = normal(2**bits)

    def build(x):
        weight = coreml.mb.constexpr_lut_to_dense(
            indices=pack_elements_into_bits(indices, bits), lut=palette, shape=np.uint32([5, 6])
        )
        return coreml.mb.add(x=x, y=weight)

    wanted = t(palette)[t(indices).long()]
    close(run_op(build, np.zeros((5, 6), np.float32), target="iOS16"), wanted)


@pytest.mark.parametrize(("vector", "axis"), [(1, None), (2, 0), (3, 1)])
def test_palettes_of_blocks(run_op, coreml, vector, axis):
    """Two palettes of four entries, for two rows each, as coremltools' own unpacking has them."""
    types = coreml.ct.converters.mil.mil.types
    values = np.random.default_rng(0).integers(0, 4, (4, 6))
    palettes = normal(2, 1, 4, vector)
    options = {} if axis is None else {"vector_axis": axis}

    def build(x):
        weight = coreml.mb.constexpr_lut_to_dense(
            indices=values.astype(types.nptype_from_builtin(types.uint2)), lut=palettes, **options
        )
        return coreml.mb.add(x=x, y=weight)

    wanted = coreml.ct.optimize._utils.lut_to_dense(values, palettes, axis)
    close(run_op(build, np.zeros(wanted.shape, np.float32), target="iOS18"), wanted)


def test_sparse_weights(run_op, coreml):
    mask = np.random.default_rng(0).integers(0, 2, (4, 8)).astype(np.uint8)
    data = normal(int(mask.sum()))

    def build(x):
        weight = coreml.mb.constexpr_sparse_to_dense(
            nonzero_data=data, mask=np.packbits(mask, bitorder="little"), shape=np.uint32([4, 8])
        )
        return coreml.mb.add(x=x, y=weight)

    wanted = np.zeros((4, 8), np.float32)
    wanted[mask != 0] = data
    close(run_op(build, np.zeros((4, 8), np.float32), target="iOS16"), wanted)


@pytest.mark.parametrize("axis", [None, 1])
@pytest.mark.parametrize("kind", ["int8", "uint8"])
def test_quantized_activations(run_op, coreml, kind, axis):
    x = normal(3, 4) * 4
    dtype = np.dtype(kind).type
    several = axis is not None
    scale = np.float32([0.03, 0.1, 0.05, 0.2]) if several else np.float32(0.05)
    zero = np.array([1, 2, 3, 4], dtype) if several else dtype(7)
    options = {"scale": scale, "zero_point": zero} | ({"axis": axis} if several else {})

    def build(x):
        levels = coreml.mb.quantize(input=x, output_dtype=kind, **options)
        return coreml.mb.dequantize(input=levels, **options)

    torch_type = {"int8": torch.qint8, "uint8": torch.quint8}[kind]
    if several:
        wanted = torch.quantize_per_channel(t(x), t(scale), t(zero.astype(int)), 1, torch_type)
    else:
        wanted = torch.quantize_per_tensor(t(x), float(scale), int(zero), torch_type)
    close(run_op(build, x), wanted.dequantize())

"""Values that fp16 cannot hold: named with their operator, not called a difference of infinity."""

import pytest
import torch
from torch import nn

from mvmoe_deploy.errors import CheckFailedError
from mvmoe_export import ExportOptions, export_bundle
from mvmoe_export.parity.half import beyond_half
from mvmoe_export.targets.coreml import CoreMLOptions

X = torch.randn(1, 16, generator=torch.Generator().manual_seed(0))
LOWEST = torch.finfo(torch.float32).min


class Masked(nn.Linear):
    """A mask in the way of attention, made from what is seen."""

    def forward(self, tokens):
        scores = super().forward(tokens)
        keep = (scores > -1e3).to(scores.dtype)
        return (scores + (1 - keep) * LOWEST).softmax(-1)


class Function(nn.Module):
    def __init__(self, function):
        super().__init__()
        self.function = function

    def forward(self, x):
        return self.function(x)


@pytest.mark.parametrize(
    ("function", "operator"),
    [
        (lambda x: x.masked_fill(x > 0, LOWEST), "aten.masked_fill.Scalar takes -3.4e+38"),
        (lambda x: (x * 300) ** 2 * 10, "gives"),
        (lambda x: x + torch.full((16,), 1e9), "aten.full.default takes 1e+09"),
        (lambda x: x / 1e30, "aten.div.Tensor takes 1e+30"),
    ],
)
def test_the_first_operator_beyond_the_range_is_named(function, operator):
    assert operator in beyond_half(Function(function), [X])


def test_what_fits_and_what_is_infinite_anyway_is_not():
    assert beyond_half(Function(lambda x: x * 1000), [X]) is None
    masked = Function(lambda x: x.masked_fill(x > 0, float("-inf")).softmax(-1))
    assert beyond_half(masked, [X]) is None


def test_a_mask_beyond_half_precision_is_explained(zoo, tmp_path):
    class Model(zoo.Foreign):
        def make_expert(self, expert):
            return Masked(16, 16)

    model = zoo.enliven(Model(experts=1))
    with pytest.raises(CheckFailedError) as error:
        export_bundle(model, tmp_path / "a.bundle", targets=("coreml",))
    message = str(error.value)
    assert message.startswith("graph step1_e0 of target coreml differs from PyTorch because it")
    for part in ("leaves the range of fp16 (up to 65504)", "aten.mul.Tensor", "-3.4e+38"):
        assert part in message
    assert "--coreml-precision fp32" in message
    assert "inf" not in message.split()
    single = ExportOptions(targets={"coreml": CoreMLOptions(precision="fp32")})
    export_bundle(model, tmp_path / "b.bundle", targets=("coreml",), options=single)

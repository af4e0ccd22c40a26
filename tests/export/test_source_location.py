"""Messages about an operator name the user's layer."""

import pytest
import torch
from torch import nn

from mvmoe_export.programs import make_program
from mvmoe_export.source_location import layer_of, location_hint


class Block(nn.Module):
    def __init__(self, odd):
        super().__init__()
        self.norm, self.mlp, self.odd = nn.LayerNorm(8), nn.Linear(8, 8), odd

    def forward(self, x):
        first, second = self.norm(x).split(4, dim=-1)
        mixed = self.mlp(torch.cat([second, first], dim=-1))
        return torch.cumsum(mixed, dim=-1) if self.odd else mixed.relu()


class Model(nn.Module):
    def __init__(self):
        super().__init__()
        self.blocks = nn.ModuleList([Block(False), Block(True), Block(False)])

    def forward(self, x):
        for block in self.blocks:
            x = block(x)
        return x


class NoWeights(nn.Module):
    def forward(self, x):
        return torch.cumsum(x, dim=-1)


def program(module, names=()):
    return make_program("g", module.eval(), {"x": torch.zeros(2, 8)}, names).exported


@pytest.mark.parametrize("names", [(), ("views", "slices")])
@pytest.mark.parametrize("operator", ["aten.cumsum.default", "aten::cumsum", "aten::_cumsum.out"])
def test_the_layer_next_to_an_operator_is_named(names, operator):
    exported = program(Model(), names)
    assert layer_of(exported, operator) == "blocks.1.mlp"
    assert location_hint(exported, operator) == " (near layer blocks.1.mlp)"


def test_an_operator_that_is_not_there_has_no_layer():
    # `split` gives a tuple: Python's `getitem` is no operator.
    exported = program(Model())
    assert layer_of(exported, "aten.fft_rfft.default") is None
    assert layer_of(exported, "aten") is None
    assert location_hint(exported, "aten.fft_rfft.default") == ""


def test_where_no_weight_is_near_no_layer_is_named():
    assert layer_of(program(NoWeights()), "aten.cumsum.default") is None

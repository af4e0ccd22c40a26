"""Templates of ONNX graphs: what fills their slots."""

import pytest
import torch
from torch import nn

from mvmoe_deploy.errors import InputError
from mvmoe_export.targets.onnx.profiles import REWRITES
from mvmoe_export.targets.onnx.template import make_template


class Divided(nn.Module):
    def __init__(self):
        super().__init__()
        self.register_buffer("steps", torch.tensor(3))

    def forward(self, image):
        return image / self.steps


@pytest.mark.parametrize("profile", REWRITES)
def test_a_weight_without_axes_keeps_its_shape(profile, capfd):
    inputs = {"image": torch.ones(1, 4)}
    template = make_template("stem", Divided(), inputs, ("answer",), 20, rewrites=REWRITES[profile])
    filled = template.fill(Divided())
    assert [content.shape for content in filled.values()] == [()]
    assert "Expected shape" not in capfd.readouterr().err


def test_a_stage_under_autocast_is_refused():
    class Cast(nn.Linear):
        def forward(self, x):
            with torch.autocast("cpu", dtype=torch.bfloat16):
                return super().forward(x).float()

    with pytest.raises(InputError, check=lambda error: error.code == "export.graph-refused"):
        make_template("this", Cast(4, 4).eval(), {"x": torch.ones(1, 4)}, ("y",), 20)

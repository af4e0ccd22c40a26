"""Stages that give what they were given, or one tensor twice: every engine keeps them apart."""

import numpy as np
import pytest
import torch
from torch import nn

from mvmoe_deploy import Dispatcher

TOLERANCES = {"onnx": 1e-5, "executorch": 1e-5, "coreml": 1e-2}


@pytest.mark.parametrize("kind", ["the image as tokens", "the logits as tokens"])
def test_a_tensor_that_is_passed_on_is_exported(zoo, export, kind):
    passes_image = kind == "the image as tokens"

    class Stem(zoo.Stem):
        def forward(self, images):
            logits = self.router(self.embed(images.flatten(1)))
            return (images if passes_image else logits), logits

    class Step(nn.Module):
        def __init__(self, model, route):
            super().__init__()
            self.experts = nn.ModuleList(model.experts[0][expert] for expert in route)

        def forward(self, tokens, gates):
            flat = tokens.flatten(1)
            return sum(gates[:, [slot]] * each(flat) for slot, each in enumerate(self.experts))

    class Model(zoo.Foreign):
        def make_expert(self, expert):
            return nn.Linear(64 if passes_image else 3, 5)

        def stage(self, index, route):
            return Step(self, route) if index else Stem(self)

        def forward(self, images, routes=None):
            tokens, logits = self.stage(0, ())(images)
            members, gates = self.gate(0, logits, routes)
            rows = [
                self.stage(1, (expert,))(tokens[[image]], gates[[image], [expert]][:, None])
                for image, expert in members.nonzero().tolist()
            ]
            return torch.cat(rows)

    model = zoo.enliven(Model())
    path = export(model, targets=tuple(TOLERANCES))
    images = torch.randn(8, 1, 8, 8, generator=torch.Generator().manual_seed(3))
    with torch.no_grad():
        wanted = model(images).numpy()
    for target, tolerance in TOLERANCES.items():
        with Dispatcher.open(path, target=target, threads=1) as dispatcher:
            found = dispatcher.run(images.numpy())["answer"]
        np.testing.assert_allclose(found, wanted, rtol=0, atol=tolerance * np.abs(wanted).max())

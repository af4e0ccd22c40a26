"""The benchmark of layers whose weights are inputs: forms, ratios and the table."""

import pytest
import torch
from rich.console import Console
from torch import nn

from own_standing import dynamic_weights_cost


def test_every_form_is_timed_against_constant_weights(monkeypatch, capsys):
    pytest.importorskip("executorch.exir")
    layers = {"linear": (nn.Linear(4, 4).eval(), torch.randn(1, 3, 4))}
    monkeypatch.setattr(dynamic_weights_cost, "_layers", lambda: layers)
    data = dynamic_weights_cost.measure(blocks=2, rounds=2)
    assert set(data["linear"]) == {"input", "input, rewritten"}
    for form in data["linear"].values():
        assert all(ms > 0 for ms in form["median_ms"].values())
        assert form["over_constant"]["value"] > 0
    dynamic_weights_cost.show(Console(width=200), data)
    assert "input, rewritten" in capsys.readouterr().out


def test_all_forms_of_a_layer_give_the_same():
    pytest.importorskip("executorch.exir")
    layer, x = nn.Conv2d(3, 4, 3, padding=1).eval(), torch.randn(1, 3, 5, 5)
    forms = dynamic_weights_cost._forms(layer, x)
    with torch.no_grad():
        expected = layer(x)
    for run in forms.values():
        # Each form adds in an order of its own.
        torch.testing.assert_close(run()[0], expected, rtol=1e-4, atol=1e-5)

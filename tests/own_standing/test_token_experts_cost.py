"""The benchmark of models whose tokens take experts: its forms and the table."""

import numpy as np
import pytest
from rich.console import Console

from mvmoe_deploy.models import presets
from mvmoe_deploy.models.families.soft_moe import SoftMoEConfig
from mvmoe_deploy.models.families.vit import ViTConfig
from mvmoe_deploy.models.families.vmoe import VMoEConfig
from own_standing import token_experts_cost

TINY = {"image_size": 8, "patch_size": 4, "width": 8, "depth": 1, "heads": 2, "num_classes": 3}
EXPERTS = {"experts": 2, "moe_layers": 1}


@pytest.fixture
def tiny(monkeypatch):
    """Presets of a tiny size."""
    known = {
        "vit_tiny": ViTConfig(**TINY),
        "vmoe_tiny": VMoEConfig(**TINY, **EXPERTS),
        "soft_moe_tiny": SoftMoEConfig(**TINY, **EXPERTS),
    }
    monkeypatch.setattr(presets, "configuration", known.__getitem__)


@pytest.mark.usefixtures("tiny")
def test_every_form_answers_alike_and_is_timed_against_the_dense_model(monkeypatch, capsys):
    pytest.importorskip("executorch.exir")
    forms = token_experts_cost.forms("tiny")
    answers = {name: np.asarray(run()[0]) for name, run in forms.items()}
    for model in ("dense", "V-MoE", "Soft MoE"):
        first, *others = (each for name, each in answers.items() if f", {model}" in name)
        assert len(others) == (3 if model == "V-MoE" else 1)
        for other in others:
            # Each engine adds in an order of its own.
            np.testing.assert_allclose(other, first, rtol=1e-4, atol=1e-5)
    monkeypatch.setattr(token_experts_cost, "forms", lambda size: forms)
    data = token_experts_cost.measure("tiny", blocks=2, rounds=2)
    for found in data.values():
        assert [*found] == ["dense", "V-MoE, rows", "V-MoE, products", "Soft MoE"]
        assert found["dense"]["over_dense"]["value"] == 1
        assert all(its["median_ms"] > 0 for its in found.values())
    token_experts_cost.show(Console(width=200), data)
    assert "Soft MoE" in capsys.readouterr().out

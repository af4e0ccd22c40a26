"""The benchmark of chosen tokens: its model, its forms and the table."""

import numpy as np
import pytest
import torch
from rich.console import Console

from own_standing import token_selection_cost
from own_standing.data_selection import DataSelectionViT, Sizes

SIZES = Sizes(image=8, patch=4, width=8, depth=1, experts=2, classes=3)


@pytest.fixture(scope="module")
def forms():
    pytest.importorskip("executorch.exir")
    return token_selection_cost.forms(SIZES)


@pytest.mark.parametrize("model", ["dense", "chosen"])
def test_all_forms_of_a_model_give_the_same(forms, model):
    found = [
        np.asarray(run()[0])
        for name, run in forms.items()
        if name.endswith("dense") == (model == "dense")
    ]
    assert len(found) == (2 if model == "dense" else 4)
    for answer in found[1:]:
        # Each engine adds in an order of its own.
        np.testing.assert_allclose(answer, found[0], rtol=1e-4, atol=1e-5)


def test_every_form_is_timed_against_the_dense_one(forms, monkeypatch, capsys):
    monkeypatch.setattr(token_selection_cost, "forms", lambda sizes: forms)
    data = token_selection_cost.measure(SIZES, blocks=2, rounds=2)
    assert [*data] == ["ONNX Runtime", "XNNPACK"]
    for found in data.values():
        assert [*found] == ["dense", "rows", "products"]
        assert found["dense"]["over_dense"]["value"] == 1
        assert all(its["median_ms"] > 0 for its in found.values())
    token_selection_cost.show(Console(width=200), {"4": data})
    assert "products" in capsys.readouterr().out


def test_an_image_has_its_answer_in_a_batch_too():
    torch.manual_seed(0)
    model, images = DataSelectionViT(SIZES).eval(), torch.randn(3, 3, 8, 8)
    with torch.no_grad():
        alone = torch.cat([model(image[None]) for image in images])
        torch.testing.assert_close(model(images), alone, rtol=1e-5, atol=1e-6)

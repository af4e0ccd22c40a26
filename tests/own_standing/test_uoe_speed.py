"""The speed of a Union of Experts: its forms answer, each is timed against the dense model."""

import pytest
from rich.console import Console

from mvmoe_deploy.models.families.uoe import PART, UoEConfig
from own_standing import uoe_speed

TINY = {"image_size": 16, "patch_size": 8, "width": 16, "depth": 1, "num_classes": 3}


@pytest.fixture
def tiny(monkeypatch):
    """Presets of a tiny size."""
    forms = {
        "uoe_tiny": UoEConfig(**TINY),
        "uoe_blocks_tiny": UoEConfig(**TINY, routers="per-block"),
        "uoe_tokens_tiny": UoEConfig(**TINY, selection="per-token"),
    }
    monkeypatch.setattr(PART, "presets", lambda: forms)


def test_every_form_is_timed_against_the_dense_model(tiny, tmp_path, capsys):
    pytest.importorskip("executorch.exir")
    data = uoe_speed.measure(tmp_path, "tiny", 2, 2)
    assert [*data] == ["onnx", "executorch"]
    for forms in data.values():
        assert [*forms] == ["dense", *(form.title for form in uoe_speed._FORMS)]
        assert forms["dense"][1].value == 1
        assert all(milliseconds > 0 for milliseconds, _ in forms.values())
    bundles = sorted(path.name for path in tmp_path.iterdir())
    assert len(bundles) == 5
    uoe_speed.show(Console(), data)
    assert capsys.readouterr().out.count("one router, `bind`") == 2

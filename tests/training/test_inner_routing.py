"""Models that select tokens inside: images have no routes, and no router is guided."""

from pathlib import Path

import pytest
from expected_errors import raises

from mvmoe_deploy.errors import InputError
from mvmoe_deploy.models import load_checkpoint, preset
from mvmoe_deploy.models.families.mobile_vmoe import MobileVMoEConfig
from mvmoe_deploy.training import TrainOptions, default_options, train
from mvmoe_deploy.training.train_options import is_routed


@pytest.fixture
def _no_routes(monkeypatch: pytest.MonkeyPatch) -> None:
    """A family with a dense twin whose models route nothing that anybody sees."""
    monkeypatch.setattr(MobileVMoEConfig, "routing", property(lambda _: ()))


@pytest.mark.usefixtures("_no_routes")
def test_such_a_model_is_trained_without_a_guide(tiny_config, tmp_path: Path) -> None:
    options = default_options(tiny_config, dense_epochs=1, moe_epochs=1)
    assert options.routings == ("end-to-end",)
    report = train(options, tmp_path / "run")
    (found,) = report.routings
    assert (found.mean_gate, found.router_accuracy, found.super_classes) == (None, None, None)
    assert (found.route_usage, found.expert_usage, found.class_to_expert) == ((), [], [])
    assert 0 < found.test_accuracy < 1
    assert not (tmp_path / "run" / "class_to_expert.png").exists()
    assert load_checkpoint(tmp_path / "run" / "end-to-end").usage_prior is None
    lines = (tmp_path / "run" / "metrics.jsonl").read_text().splitlines()
    assert "balance" not in lines[-1]


@pytest.mark.usefixtures("_no_routes")
def test_a_guided_routing_is_refused(tiny_config, tmp_path: Path) -> None:
    with raises(InputError, "input.option", name="routings", given="random") as caught:
        train(TrainOptions(config=tiny_config, routings=("random",)), tmp_path / "run")
    assert caught.value.fields["name"] == "routings"


def test_a_dense_model_is_none(tiny_config) -> None:
    assert is_routed(tiny_config)
    assert not is_routed(preset("vit_digits"))

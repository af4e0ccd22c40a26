"""A family that another distribution brings: it is made, kept, trained and exported as ours are."""

import json
from importlib.metadata import EntryPoint
from pathlib import Path

import pytest
import torch

from mvmoe_deploy import Dispatcher, part_lookup
from mvmoe_deploy.errors import InputError
from mvmoe_deploy.models import Checkpoint, build, load_checkpoint, preset, save_checkpoint
from mvmoe_deploy.models.presets import configuration
from mvmoe_deploy.training import default_options, train


@pytest.fixture
def _installed(monkeypatch: pytest.MonkeyPatch) -> None:
    """The entry point of the other distribution."""
    entry = EntryPoint("families.colour_moe", "colour_moe", part_lookup.GROUP)
    monkeypatch.setattr(part_lookup, "entry_points", lambda group: [entry])


def test_without_its_distribution_nothing_knows_it() -> None:
    with pytest.raises(InputError, check=lambda error: error.code == "input.option"):
        preset("colour_tiny")


@pytest.mark.usefixtures("_installed")
def test_its_configuration_is_a_preset_or_a_file(tmp_path: Path) -> None:
    file = tmp_path / "config.json"
    fields = {"image_size": 8, "in_channels": 1, "num_classes": 10}
    file.write_text(json.dumps({"family": "colour_moe", "config": fields}))
    assert configuration(str(file)) == preset("colour_tiny")
    file.write_text(json.dumps({"family": "colour_moe", "config": {"experts": 9}}))
    with pytest.raises(InputError, check=lambda error: error.fields["found"] == "9"):
        configuration(str(file))


@pytest.mark.usefixtures("_installed")
def test_its_checkpoint_is_written_and_read(tmp_path: Path) -> None:
    model = build(preset("colour_tiny"), seed=0).eval()
    save_checkpoint(Checkpoint(model), tmp_path / "model.safetensors")
    loaded = load_checkpoint(tmp_path / "model.safetensors")
    images = torch.rand(3, 1, 8, 8)
    assert loaded.config == model.config
    assert torch.equal(loaded.model(images), model(images))


@pytest.mark.usefixtures("_installed")
def test_it_is_trained_by_its_own_loss_and_exported(tmp_path: Path) -> None:
    from mvmoe_export import Identity, export_bundle

    options = default_options(
        preset("colour_tiny"), dense_epochs=1, moe_epochs=1, routings=("super-class", "end-to-end")
    )
    report = train(options, tmp_path / "run")
    assert [each.routing for each in report.routings] == ["super-class", "end-to-end"]
    lines = (tmp_path / "run" / "metrics.jsonl").read_text().splitlines()
    dense, guided, balanced = map(json.loads, lines)
    assert dense["loss"] == pytest.approx(dense["margin"] + dense["size"])
    assert guided["loss"] == pytest.approx(
        guided["margin"] + guided["size"] + 0.3 * guided["guide"]
    )
    assert "classify" not in balanced
    loaded = load_checkpoint(tmp_path / "run" / "super-class")
    identity = Identity.of(loaded)
    export_bundle(loaded.model, tmp_path / "bundle", targets=("onnx",), identity=identity)
    image = torch.rand(1, 1, 8, 8)
    with Dispatcher.open(tmp_path / "bundle") as dispatcher:
        assert dispatcher.bundle.manifest.model.family == "colour_moe"
        answer = torch.from_numpy(dispatcher.run(image.numpy())["answer"])
    assert answer.allclose(loaded.model(image), atol=1e-4)

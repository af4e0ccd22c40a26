"""One bundle with the targets of several strategies: one runs on a phone, another is beside it."""

import json

import numpy as np
import pytest
from expected_errors import raises

from mvmoe_deploy import Dispatcher
from mvmoe_deploy.bundle import Bundle
from mvmoe_deploy.cli import main
from mvmoe_deploy.errors import InputError
from mvmoe_deploy.models import Checkpoint, build, save_checkpoint
from mvmoe_deploy.models.families.mobile_vmoe import MobileVMoEConfig
from mvmoe_export import export_bundle
from tests.export.conftest import CONFIG, TOLERANCE

STRATEGIES = ("dispatch", "all-experts")


@pytest.fixture(scope="module")
def model(zoo):
    return zoo.enliven(zoo.Foreign())


@pytest.fixture(scope="module")
def both(model, tmp_path_factory):
    path = tmp_path_factory.mktemp("both") / "model.bundle"
    export_bundle(model, path, strategy=STRATEGIES)
    return path


def contents(folder):
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
    }


def test_each_strategy_has_targets_of_its_own(both):
    bundle = Bundle.open(both)
    bundle.verify()
    targets = bundle.manifest.targets
    assert {name: target.strategy for name, target in targets.items()} == {
        "onnx": "dispatch",
        "onnx-all-experts": "all-experts",
    }
    for name, target in targets.items():
        assert {file.path.partition("/")[0] for file in target.files} == {name}
        assert target.parity.verification is not None


def test_the_targets_are_those_of_exports_of_one_strategy_each(model, both, tmp_path):
    for strategy, folder in zip(STRATEGIES, ("onnx", "onnx-all-experts"), strict=True):
        export_bundle(model, tmp_path / strategy, strategy=strategy)
        assert contents(both / folder) == contents(tmp_path / strategy / "onnx")


def test_both_answer_alike(model, both):
    images = np.random.default_rng(0).random((4, *model.input.shape), np.float32)
    answers = []
    for name in ("onnx", "onnx-all-experts"):
        with Dispatcher.open(both, target=name) as dispatcher:
            assert dispatcher.check().ok
            answers.append(dispatcher.run(images)["answer"])
    bound = TOLERANCE * np.abs(answers[0]).max()
    np.testing.assert_allclose(answers[0], answers[1], atol=bound, rtol=0)


def test_a_strategy_that_is_given_twice_or_chosen_is_made_once(model, tmp_path):
    manifest = export_bundle(model, tmp_path / "a.bundle", strategy=["auto", "dispatch"])
    assert list(manifest.targets) == ["onnx"]


def test_no_strategy_is_refused_before_anything_is_made(model, tmp_path):
    with raises(InputError, "input.option", name="strategy"):
        export_bundle(model, tmp_path / "a.bundle", strategy=[])
    assert list(tmp_path.iterdir()) == []


def test_an_interrupted_export_goes_on_after_the_first_strategy(model, both, tmp_path):
    place = tmp_path / "place" / "model.bundle"
    place.parent.mkdir()
    begun = []

    def interrupt(phase, graph, total):
        if phase == "check onnx-all-experts":
            raise KeyboardInterrupt

    def note(phase, graph, total):
        begun.append(phase)

    with pytest.raises(KeyboardInterrupt):
        export_bundle(model, place, strategy=STRATEGIES, resume=True, progress=interrupt)
    assert [path.name for path in place.parent.iterdir()] == [".model.bundle.resume"]
    export_bundle(model, place, strategy=STRATEGIES, resume=True, progress=note)
    assert "export onnx" not in begun
    assert "export onnx-all-experts" in begun
    assert contents(place) == contents(both)
    assert [path.name for path in place.parent.iterdir()] == ["model.bundle"]


def test_the_command_line_takes_several(tmp_path, capsys):
    save_checkpoint(Checkpoint(build(MobileVMoEConfig(**CONFIG), seed=0)), tmp_path / "tiny")
    options = [word for name in STRATEGIES for word in ("--strategy", name)]
    output = str(tmp_path / "tiny.mvmoe")
    with pytest.raises(SystemExit, check=lambda ended: not ended.code):
        main(["export", str(tmp_path / "tiny"), *options, "--name", "A", "--json", "-o", output])
    shown = json.loads(capsys.readouterr().out)
    assert list(shown["targets"]) == ["onnx", "onnx-all-experts"]
    assert Bundle.open(output).manifest.model.name == "A"

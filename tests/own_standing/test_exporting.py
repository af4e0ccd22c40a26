"""The benchmark of export times: what it measures is a real export."""

import json

import pytest

from mvmoe_deploy.models import build
from mvmoe_deploy.models.presets import configuration
from own_standing import exporting


def test_phases_have_every_graph_and_end_within_the_export(tiny):
    data = exporting.measure(build(configuration(tiny)).eval(), ("onnx",))
    phases = {phase["phase"]: phase for phase in data["phases"]}
    assert {"export onnx", "check onnx", "verify onnx"} <= set(phases)
    assert phases["export onnx"]["items"] == phases["check onnx"]["items"] == 4
    times = [phase[which] for phase in data["phases"] for which in ("first", "last")]
    assert min(times) > 0 and max(times) <= data["seconds"]
    assert data["peak_bytes"] > 50e6
    assert data["graphs"] == {"onnx": 4}


def test_the_command_prints_one_json_object(tiny, capsys):
    with pytest.raises(SystemExit) as ended:
        exporting.main(["--preset", tiny, "--experts", "2", "--target", "onnx", "--json"])
    assert ended.value.code == 0
    assert json.loads(capsys.readouterr().out)["graphs"] == {"onnx": 3}


def test_a_dense_preset_with_experts_is_refused_in_one_sentence(capsys):
    with pytest.raises(SystemExit) as ended:
        exporting.main(["--preset", "vit_digits", "--experts", "2", "--target", "onnx"])
    assert ended.value.code == 2
    (line,) = capsys.readouterr().err.strip().splitlines()
    assert "vit_digits" in line and "--experts" in line


def test_an_unknown_preset_is_one_sentence(capsys):
    with pytest.raises(SystemExit) as ended:
        exporting.main(["--preset", "nothing"])
    assert ended.value.code == 2
    assert "preset" in capsys.readouterr().err

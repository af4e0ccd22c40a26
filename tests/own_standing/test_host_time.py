"""The parts of an answer that are the host's."""

from page_answers import BUNDLES

from mvmoe_deploy.bundle import Bundle
from mvmoe_deploy.runtime.runners.onnx.runner import OnnxGraph
from own_standing import host_time


def test_there_is_a_part_before_between_and_behind_the_graphs(monkeypatch):
    """In a loop the same lines are timed, and no graph runs."""
    path, calls = BUNDLES / "bind", []
    bind, bind_from = OnnxGraph.bind, OnnxGraph.bind_from

    def counted(graph, inputs, outputs):
        call = bind(graph, inputs, outputs)
        return lambda: calls.append(graph) or call()

    def counted_from(graph, inputs, outputs, name):
        call = bind_from(graph, inputs, outputs, name)
        return lambda array: calls.append(graph) or call(array)

    monkeypatch.setattr(OnnxGraph, "bind", counted)
    monkeypatch.setattr(OnnxGraph, "bind_from", counted_from)
    found = host_time.measure(path, "onnx", rounds=3)
    stages = len(Bundle.open(path).manifest.stages)
    assert list(found) == ["as it is", "in a loop"]
    for parts in found.values():
        assert len(parts) == stages + 1
        assert all(part > 0 for part in parts)
    assert len(calls) == stages * (3 + host_time._WARMUP)


def test_the_page_shows_each_target_that_runs_here(capsys):
    host_time._main(BUNDLES / "bind")
    said = capsys.readouterr().out.splitlines()
    targets = Bundle.open(BUNDLES / "bind").manifest.targets
    assert len(said) == 2 + 2 * len(targets)
    assert said[2].startswith("| onnx | as it is | ")

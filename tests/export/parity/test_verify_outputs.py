"""Every output is verified by its kind, and one that falls short is named with what it lacks."""

import json

import msgspec
import numpy as np
import pytest
from expected_errors import raises
from many_outputs import many_outputs

from mvmoe_deploy import Dispatcher
from mvmoe_deploy.bundle import Bundle
from mvmoe_deploy.cli import main
from mvmoe_deploy.errors import CheckFailedError
from mvmoe_deploy.runtime.engine_check import Answered, check_answers
from mvmoe_deploy.verification import bundle_verification
from mvmoe_deploy.verification.bundle_verification import verify_bundle
from mvmoe_deploy.verification.report_data import report_data
from mvmoe_deploy.verification.run_stages import TargetGraphs
from mvmoe_export import export_bundle

KINDS = {
    "boxes": "boxes",
    "mask": "mask",
    "depth": "map",
    "vector": "embedding",
    "answer": "logits",
}


@pytest.fixture(scope="module")
def bundle(tmp_path_factory):
    """A bundle with an output of every kind."""
    path = tmp_path_factory.mktemp("many") / "many.mvmoe"
    export_bundle(many_outputs(), path)
    return Bundle.open(path)


@pytest.fixture
def broken(bundle, monkeypatch):
    """Verifies the bundle with one of its outputs changed in every routed graph."""

    def verified(name, change):
        class Changed(TargetGraphs):
            def step(self, stage, route, tensors, gates):
                given = super().step(stage, route, tensors, gates)
                return given | {name: change(given[name])}

        monkeypatch.setattr(bundle_verification, "TargetGraphs", Changed)
        return verify_bundle(bundle)

    return verified


def test_each_output_has_its_measure_and_figures(bundle):
    report = verify_bundle(bundle)
    assert report.ok, report.shortfall
    data = json.loads(msgspec.json.encode(report_data(report, "many")))["targets"]["onnx"]
    assert {name: found["kind"] for name, found in data["outputs"].items()} == KINDS
    for found in data["outputs"].values():
        assert found["max_rel_error"] <= 1e-4
        assert (found["measure"] is None) == (found["kind"] == "map")
        if found["measure"]:
            assert found["agreement"] == pytest.approx(1, abs=1e-9)
    assert all(row["outputs"].keys() == KINDS.keys() for row in data["routes"] if row["checked"])


def test_the_manifest_keeps_the_figures_of_each_output(bundle):
    (target,) = bundle.manifest.targets.values()
    kept = target.parity.verification
    assert {name: found.kind for name, found in kept.outputs.items()} == KINDS
    assert kept.answer_error >= max(found.max_rel_error for found in kept.outputs.values())
    assert kept.outputs["depth"].agreement is None


@pytest.mark.parametrize("name", KINDS)
def test_an_error_of_any_output_names_it(broken, name):
    report = broken(name, lambda array: array * np.float32(1.01))
    assert report.failures
    for failure in report.failures:
        assert (failure.output, failure.figure) == (name, "max_rel_error")
        assert f"of the output {name} are off by" in failure.sentence


def test_scores_are_held_against_scores_and_not_against_pixels(broken):
    def change(boxes):
        changed = boxes.copy()
        changed[..., 4:] += 5e-4  # Of a score of 1; of a coordinate of 16 it would be within.
        return changed

    failure, *_ = broken("boxes", change).failures
    assert "the scores of the output boxes are off by" in failure.sentence


def test_a_small_embedding_that_points_elsewhere_is_found(bundle, broken, monkeypatch):
    golden = bundle.golden()
    small = golden["outputs.vector"].copy()
    small[0] *= 1e-6
    monkeypatch.setattr(Bundle, "golden", lambda self: {**golden, "outputs.vector": small})

    def change(vectors):
        changed = vectors.copy()
        images = np.abs(vectors - golden["outputs.vector"][0]).max(axis=1) < 1e-3
        changed[images] = -small[0]
        return changed

    failures = broken("vector", change).failures
    assert {failure.output for failure in failures} == {"vector"}
    assert {failure.figure for failure in failures} == {"agreement"}
    assert "has a least cosine similarity of 0 beside near-ties" in failures[0].sentence


def test_people_see_a_row_for_each_output(bundle, capsys):
    with pytest.raises(SystemExit) as ended:
        main(["verify", str(bundle.path)])
    assert ended.value.code == 0
    shown = capsys.readouterr().out
    rows = [line.split() for line in shown.splitlines()]
    assert [row[2:4] for row in rows if row[:2] == ["all", "images"]] == [
        ["8", name] for name in KINDS
    ]
    assert "agreement" in shown


@pytest.fixture
def answered(bundle):
    """What a right engine makes of the golden images."""
    golden = bundle.golden()
    return golden, [
        Answered(
            routes=[tuple(np.flatnonzero(golden["members.1"][image]).tolist())],
            logits=[golden["logits.1"][image]],
            outputs={name: golden[f"outputs.{name}"][image].copy() for name in KINDS},
        )
        for image in range(len(golden["image"]))
    ]


def test_a_dispatcher_checks_each_output(bundle):
    with Dispatcher.open(bundle.path) as dispatcher:
        found = dispatcher.check()
    found.require_ok()
    assert {name: output.kind for name, output in found.outputs.items()} == KINDS
    assert found.outputs["mask"].measure == "share of pixels with the same class"
    assert found.answer_error == max(output.error for output in found.outputs.values())


def test_an_engine_whose_embedding_points_elsewhere_is_refused(bundle, answered):
    golden, images = answered
    golden = {**golden, "outputs.vector": golden["outputs.vector"].copy()}
    golden["outputs.vector"][0] *= 1e-6
    images[0].outputs["vector"][:] = -golden["outputs.vector"][0]
    (target,) = bundle.manifest.targets.values()
    found = check_answers(golden, images, bundle.manifest, target)
    assert found.answer_error <= found.answer_error_bound
    assert not found.ok
    with raises(CheckFailedError, "check.engine", disagreeing=["vector"]) as refused:
        found.require_ok()
    assert refused.value.fields["disagreeing"] == ["vector"]

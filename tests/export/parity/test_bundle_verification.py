"""Verification: the healthy pass in every form, and whatever is broken is named with its route."""

import json
import re
import shutil
import sys
from types import ModuleType, SimpleNamespace

import msgspec
import numpy as np
import pytest
import torch
from expected_errors import raises

from mvmoe_deploy import part_lookup
from mvmoe_deploy.bundle import Bundle
from mvmoe_deploy.bundle.write import write_golden
from mvmoe_deploy.errors import BundleError, CheckFailedError, EngineError, InputError
from mvmoe_deploy.models.families.vit import ViT
from mvmoe_deploy.runtime.runners.onnx.runner import OnnxRunner
from mvmoe_deploy.samples import Samples
from mvmoe_deploy.system import files
from mvmoe_deploy.verification import bundle_verification
from mvmoe_deploy.verification.bundle_verification import verify_bundle
from mvmoe_deploy.verification.report_data import report_data
from mvmoe_deploy.verification.run_stages import TargetGraphs
from mvmoe_export import export_bundle
from mvmoe_export.parity.pytorch import require_fitting_model, verify_against_model
from mvmoe_export.parity.synthetic_images import synthetic_images

pytestmark = pytest.mark.usefixtures("shared_templates")


def samples_of(model, count=24, seed=9):
    images = synthetic_images(model.input, count, seed=seed).numpy()
    return Samples(tuple(f"image {number}" for number in range(count)), images)


def check(path, model, count=24, **options):
    return verify_against_model(Bundle.open(path), model, samples_of(model, count), **options)


def as_target(report):
    """The JSON of the one target, which must be JSON."""
    plain = msgspec.to_builtins(report_data(report, "the bundle"))
    data = json.loads(json.dumps(plain, allow_nan=False))
    return data["targets"]["onnx"]


@pytest.fixture
def altered(tmp_path):
    """A copy of a bundle in which graphs were replaced by others, with hashes that fit."""

    def alter(path, **graphs):
        copy = tmp_path / "altered.bundle"
        shutil.copytree(path, copy)
        for name, other in graphs.items():
            shutil.copy(path / "onnx" / f"{other}.onnx", copy / "onnx" / f"{name}.onnx")
        rehash(copy)
        return copy

    return alter


def rehash(path):
    manifest = json.loads((path / "manifest.json").read_text())
    for file in manifest["targets"]["onnx"]["files"]:
        file["bytes"] = (path / file["path"]).stat().st_size
        file["sha256"] = files.sha256(path / file["path"])
    (path / "manifest.json").write_text(json.dumps(manifest))


@pytest.fixture(scope="module")
def reachable(zoo, export):
    """A model of three experts that images reach, and its bundle."""
    model = zoo.enliven(zoo.Foreign(experts=3))
    return model, export(model)


@pytest.fixture(scope="module")
def rare(zoo, export):
    """A model whose router gives expert 2 nearly nothing, and its bundle."""
    model = zoo.enliven(zoo.Foreign(experts=3))
    with torch.no_grad():
        model.routers[0].weight[2] = 0
        model.routers[0].bias[2] = -18.0
    return model, export(model)


def test_every_kind_of_bundle_is_verified(ours):
    model, path = ours
    target = as_target(check(path, model))
    assert target["ok"], target["failures"]
    assert target["routing_agreement"] == 1
    assert target["images"] == target["agreeing"]["images"] == 24
    for stage, rule in enumerate(model.routing, start=1):
        rows = [row for row in target["routes"] if row["stage"] == stage]
        experts = range(rule.experts)
        assert {expert for row in rows for expert in row["route"]} == set(experts)
        assert sum(row["images"] for row in rows) == 24
        assert all(row["checked"] and row["ok"] for row in rows)
        assert all(row["forced"] == (row["images"] == 0) for row in rows)


def test_several_foreign_stages(foreign_bundle):
    model, path = foreign_bundle
    target = as_target(check(path, model))
    assert target["ok"]
    assert [(row["stage"], row["route"]) for row in target["routes"]] == [
        (stage, [expert]) for stage in (1, 2) for expert in range(3)
    ]
    assert [stage["stage"] for stage in target["stages"]] == [1, 2]


def test_a_dense_model_has_one_row(vmoe, export):
    model = ViT(vmoe().config.dense()).eval()
    target = as_target(check(export(model, strategy="dispatch"), model))
    assert target["ok"]
    assert [(row["stage"], row["route"], row["images"]) for row in target["routes"]] == [
        (0, [], 24)
    ]
    assert target["near_ties"] == target["stages"] == []


def test_golden_vectors_are_a_reference_of_their_own(reachable):
    _, path = reachable
    report = verify_bundle(Bundle.open(path))
    assert (report.ok, report.reference, report.images) == (True, "golden", 8)


def test_without_a_model_rare_routes_are_said_to_be_unchecked(rare):
    _, path = rare
    target = as_target(verify_bundle(Bundle.open(path)))
    row = target["routes"][2]
    assert (row["images"], row["forced"], row["checked"]) == (0, False, False)
    assert row["outputs"] == {}
    assert target["ok"]


@pytest.mark.parametrize("with_model", [True, False])
def test_a_swapped_expert_is_named(reachable, altered, with_model):
    model, path = reachable
    broken = altered(path, step1_e1="step1_e0")
    Bundle.open(broken).verify()  # The hashes have nothing to say.
    report = check(broken, model) if with_model else verify_bundle(Bundle.open(broken))
    assert not report.ok
    (failure,) = report.failures
    assert failure.sentence.startswith(
        "target onnx, route [1]: the values of the output answer are off by"
    )
    assert "bound on max_rel_error is 0.0001" in failure.sentence
    target = as_target(report)
    assert [row["ok"] for row in target["routes"]] == [True, False, True]
    assert target["routing_agreement"] == 1
    with raises(CheckFailedError, "check.failed", target="onnx") as caught:
        report.require_ok()
    assert "route [1]" in str(caught.value)


def test_a_broken_expert_that_no_image_takes_is_forced_and_named(rare, altered):
    model, path = rare
    report = check(altered(path, step1_e2="step1_e0"), model)
    (failure,) = report.failures
    assert (failure.route, failure.figure) == ((2,), "max_rel_error")
    rows = as_target(report)["routes"]
    assert [(row["images"] > 0, row["forced"]) for row in rows] == [
        (True, False),
        (True, False),
        (False, True),
    ]
    assert rows[2]["outputs"]["answer"]["max_rel_error"] > 0.01


@pytest.mark.parametrize("stage", [1, 2])
def test_with_several_stages_the_broken_one_is_named_first(foreign_bundle, altered, stage):
    model, path = foreign_bundle
    broken = altered(path, **{f"step{stage}_e1": f"step{stage}_e2"})
    report = check(broken, model)
    assert (report.failures[0].stage, report.failures[0].route) == (stage, (1,))
    assert f"route [1] of routed stage {stage}" in report.shortfall
    assert "more)" in report.shortfall
    as_target(report)


def change_logits(monkeypatch, change):
    """Every target's stem has its logits changed."""

    class Changed(TargetGraphs):
        def stem(self, images):
            given = super().stem(images)
            return given | {"logits": change(given["logits"])}

    monkeypatch.setattr(bundle_verification, "TargetGraphs", Changed)


def test_a_broken_router_cannot_excuse_itself_by_its_error(reachable, monkeypatch):
    model, path = reachable
    change_logits(monkeypatch, lambda logits: np.ascontiguousarray(logits[:, ::-1]))
    report = check(path, model)
    target = as_target(report)
    assert report.failures[0].sentence.startswith("target onnx, the stem: the router's logits")
    lost = next(failure for failure in report.failures if failure.figure == "routing_agreement")
    assert "target onnx, route [" in lost.sentence
    assert "image image " in lost.sentence
    assert "although its margin is" in lost.sentence
    assert target["routing_agreement"] < 0.9
    # Numbers are known for every image all the same: the experts are not to blame.
    assert target["same_route"]["images"] == 24
    assert (
        target["same_route"]["outputs"]["answer"]["max_rel_error"] > 1e-4
    )  # The gates come from the wrong logits.
    assert not all(item["near_tie"] for item in target["disagreements"])


def test_a_near_tie_may_go_either_way(zoo, export, monkeypatch):
    model = zoo.enliven(zoo.Foreign(experts=2))
    with torch.no_grad():
        model.routers[0].weight[1] = model.routers[0].weight[0]
        model.routers[0].bias[:] = torch.tensor([1.0, 1.0 - 1e-6])
    path = export(model)
    change_logits(monkeypatch, lambda logits: logits + np.array([-2e-6, 2e-6], np.float32))
    report = check(path, model)
    target = as_target(report)
    assert report.ok, report.shortfall
    assert target["routing_agreement"] < 0.5
    assert all(item["near_tie"] for item in target["disagreements"])
    names = [tie["image"] for tie in target["near_ties"]]
    assert names == [f"image {number}" for number in range(24)]
    assert target["near_ties"][0]["route"] == [0]
    assert target["near_ties"][0]["target_route"] == [1]
    assert target["agreeing"] is None or target["agreeing"]["images"] < 12


def test_a_router_that_is_not_finite_names_the_target(reachable, monkeypatch):
    model, path = reachable
    change_logits(monkeypatch, lambda logits: logits * np.nan)
    with raises(CheckFailedError, "check.failed", target="onnx", found="routing.not-finite"):
        check(path, model)


def test_answers_that_are_not_finite_fail_and_are_null_in_json(reachable, monkeypatch):
    model, path = reachable

    class Broken(TargetGraphs):
        def step(self, stage, route, tokens, gates):
            given = super().step(stage, route, tokens, gates)
            return {"answer": given["answer"] * (np.nan if route == (2,) else 1)}

    monkeypatch.setattr(bundle_verification, "TargetGraphs", Broken)
    report = check(path, model)
    target = as_target(report)
    assert {failure.route for failure in report.failures} == {(2,)}
    assert target["outputs"]["answer"]["max_abs_error"] is None
    assert target["routes"][0]["outputs"]["answer"]["max_abs_error"] is not None
    assert target["failures"][0]["value"] is None


def test_labels_give_both_accuracies(reachable):
    model, path = reachable
    samples = samples_of(model, 10)
    with torch.no_grad():
        answers = model(torch.from_numpy(samples.inputs)).argmax(dim=1).numpy()
    answers[:4] = (answers[:4] + 1) % 5
    report = verify_against_model(
        Bundle.open(path), model, Samples(samples.names, samples.inputs, answers)
    )
    target = as_target(report)
    assert (target["accuracy_pytorch"], target["accuracy_target"]) == (0.6, 0.6)


def test_the_export_keeps_the_figures_and_can_leave_them_out(zoo, export, rare):
    _, path = rare
    found = Bundle.open(path).manifest.targets["onnx"].parity.verification
    assert (found.images, found.forced_routes, found.routing_agreement) == (8, 1, 1)
    assert found.answer_error <= found.answer_error_bound == 1e-4
    skipped = export(zoo.enliven(zoo.Foreign()), skip_verify=True)
    assert Bundle.open(skipped).manifest.targets["onnx"].parity.verification is None


def test_an_export_that_falls_short_leaves_nothing(zoo, monkeypatch, tmp_path):
    change_logits(monkeypatch, lambda logits: logits * 1.01)
    with raises(CheckFailedError, "check.failed", target="onnx") as caught:
        export_bundle(zoo.enliven(zoo.Foreign()), tmp_path / "bad.bundle")
    assert re.search(r"target onnx, the stem.*was not written", str(caught.value))
    assert not list(tmp_path.iterdir())


def test_images_without_a_model_are_refused(reachable):
    model, path = reachable
    with raises(InputError, "input.option", name="images"):
        verify_bundle(Bundle.open(path), None, samples_of(model))


def test_images_of_another_size_are_refused(reachable):
    model, path = reachable
    small = Samples(("a",), np.zeros((1, 1, 4, 4), np.float32))
    with raises(InputError, "input.shape", expected=[1, 8, 8], found=[1, 1, 4, 4]):
        verify_against_model(Bundle.open(path), model, small)


@pytest.mark.parametrize(
    ("changes", "found"),
    [
        ({"experts": 4}, "1 routers (top 1 of 4 experts)"),
        ({"experts": 3, "k": 2}, "1 routers (top 2 of 3 experts)"),
        ({"experts": 3, "stages": 2}, "2 routers (top 1 of 3 experts)"),
        ({"experts": 3, "renormalize": True}, "1 routers (top 1 of 3 experts, renormalized)"),
    ],
)
def test_a_model_of_another_shape_is_refused(zoo, reachable, changes, found):
    _, path = reachable
    with raises(InputError, "checkpoint.other-model", found=found):
        check(path, zoo.Foreign(**changes))


def test_a_model_of_another_input_or_answer_is_refused(zoo, reachable, vmoe):
    _, path = reachable
    with pytest.raises(InputError, check=lambda error: error.code == "checkpoint.other-model"):
        check(path, vmoe(experts=3))
    other = zoo.enliven(zoo.Foreign(experts=3))
    other.head = torch.nn.Linear(16, 7)
    with pytest.raises(
        InputError,
        check=lambda error: (error.code, error.fields["found"]) == ("checkpoint.other-model", [7]),
    ):
        check(path, other)


def test_a_model_with_other_weights_falls_short(zoo, reachable):
    _, path = reachable
    assert not check(path, zoo.enliven(zoo.Foreign(experts=3), seed=1)).ok


def test_another_hash_is_refused(zoo, export):
    from mvmoe_export import Identity

    model = zoo.enliven(zoo.Foreign())
    manifest = Bundle.open(export(model, identity=Identity(checkpoint_sha256="a" * 64))).manifest
    require_fitting_model(model, manifest, "checkpoint c", "a" * 64)
    require_fitting_model(model, manifest, "checkpoint c", None)
    with raises(InputError, "checkpoint.other-model", expected="a" * 64, found="b" * 64) as caught:
        require_fitting_model(model, manifest, "checkpoint c", "b" * 64)
    assert caught.value.fields == {"expected": "a" * 64, "found": "b" * 64}


def test_an_input_that_differs_is_named_by_what_differs(zoo, export):
    model = zoo.enliven(zoo.Foreign())
    manifest = Bundle.open(export(model)).manifest
    std = tuple(2 * value for value in model.input.std)
    model.input = msgspec.structs.replace(model.input, std=std)
    with raises(
        InputError,
        "checkpoint.other-model",
        expected="1 x 8 x 8 (std 0.25)",
        found="1 x 8 x 8 (std 0.5)",
    ) as caught:
        require_fitting_model(model, manifest, "checkpoint c")
    assert "mean" not in str(caught.value)


def test_a_target_the_bundle_lacks_is_refused(reachable):
    model, path = reachable
    with pytest.raises(InputError, check=lambda error: error.code == "bundle.no-target"):
        check(path, model, targets=["coreml"])


def test_another_distributions_runner_is_opened_if_the_bundle_allows_it(
    reachable, altered, monkeypatch
):
    module = ModuleType("their_engine")
    module.PART = type("Theirs", (OnnxRunner,), {"name": "theirs"})
    monkeypatch.setitem(sys.modules, "their_engine", module)
    entry = SimpleNamespace(name="runners.theirs", module="their_engine", dist=None)
    monkeypatch.setattr(part_lookup, "entry_points", lambda group: [entry])
    path = altered(reachable[1])
    manifest = json.loads((path / "manifest.json").read_text())
    manifest["targets"]["onnx"]["format"] = "theirs"
    (path / "manifest.json").write_text(json.dumps(manifest))
    with raises(InputError, "part.plugin-not-allowed", kind="runners", name="theirs"):
        verify_bundle(Bundle.open(path))
    assert verify_bundle(Bundle.open(path, plugins=True)).ok


def test_no_targets_are_none_and_not_all(reachable):
    model, path = reachable
    assert check(path, model, targets=[]).targets == {}
    assert list(check(path, model).targets) == ["onnx"]


def test_a_graph_that_is_missing_is_named(reachable, altered):
    model, path = reachable
    broken = altered(path)
    (broken / "onnx" / "step1_e1.onnx").unlink()
    with raises(EngineError, "engine.load-failed", graph="step1_e1"):
        check(broken, model)


@pytest.mark.parametrize(
    ("name", "value"),
    [("members.1", True), ("logits.1", np.nan), ("outputs.answer", np.inf), ("gates.1", 0.5)],
)
def test_golden_vectors_that_contradict_themselves_are_refused(reachable, tmp_path, name, value):
    _, path = reachable
    copy = shutil.copytree(path, tmp_path / "copy")
    golden = Bundle.open(path).golden()
    golden[name][0] = value
    record = write_golden(copy, golden)
    manifest = json.loads((copy / "manifest.json").read_text())
    manifest["golden"] = msgspec.to_builtins(record)
    (copy / "manifest.json").write_text(json.dumps(manifest))
    with pytest.raises(BundleError, check=lambda error: error.code == "bundle.golden-invalid"):
        verify_bundle(Bundle.open(copy))


def test_progress_tells_every_forced_route(rare):
    model, path = rare
    seen = []
    check(path, model, progress=lambda *told: seen.append(told))
    assert [told for told in seen if told[0] == "verify onnx"] == [
        ("verify onnx", None, 2),
        ("verify onnx", "images", 2),
        ("verify onnx", "[2]", 2),
    ]

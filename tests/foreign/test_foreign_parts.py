"""Parts of another distribution work without a change in this one: one module each.

`package/` is the example of `docs/contributing.md`.
"""

import json
from copy import deepcopy
from pathlib import Path

import msgspec
import numpy as np
import pytest
import torch
from best_share import BestShare
from expected_errors import raises
from PIL import Image
from torch import Tensor, nn

from mvmoe_bench.advice import advise
from mvmoe_bench.measure.jobs.order_process import find_measurement
from mvmoe_bench.measure.schema.orders import SubjectOrder
from mvmoe_bench.measure.schema.records import EngineChoice
from mvmoe_bench.measure.subjects import find_kind as find_kind_of_subject
from mvmoe_bench.measure.subjects.contract import Preparation, Stopwatch
from mvmoe_bench.measure.subjects.making import make_static
from mvmoe_bench.measure.subjects.whole_model import RECORD
from mvmoe_deploy import Dispatcher, part_lookup
from mvmoe_deploy.bundle import Bundle
from mvmoe_deploy.cli import main
from mvmoe_deploy.errors import BundleError, InputError
from mvmoe_deploy.models import load_checkpoint, preset
from mvmoe_deploy.models.gating import select
from mvmoe_deploy.outputs import find_kind
from mvmoe_deploy.preprocessing import Preprocessing
from mvmoe_deploy.routing import Rule
from mvmoe_deploy.routing.top_k import TopK
from mvmoe_deploy.samples import load_samples
from mvmoe_deploy.training import default_options, suited_preset, train
from mvmoe_export import ExportOptions, Identity, export_bundle
from mvmoe_export.rewrites import repairs
from mvmoe_export.targets.coreml import CoreMLOptions
from mvmoe_export.targets.coreml.coreml_bounds import BOUNDS
from mvmoe_export.targets.onnx import OnnxOptions

FOREIGN = "mvmoe-foreign"


def succeeds(*arguments: str) -> None:
    """Run `mvmoe` in this process; it ends with exit code 0."""
    with pytest.raises(SystemExit) as ended:
        main(list(arguments))
    assert ended.value.code == 0


class Stem(nn.Module):
    def __init__(self, model: "Tiny") -> None:
        super().__init__()
        self.features, self.router = model.features, model.router

    def forward(self, images: Tensor) -> tuple[Tensor, Tensor]:
        tokens = torch.neg(torch.neg(self.features(images.flatten(1))))
        return tokens, self.router(tokens)


class Step(nn.Module):
    def __init__(self, model: "Tiny", route: tuple[int, ...]) -> None:
        super().__init__()
        self.experts = nn.ModuleList(model.experts[expert] for expert in route)

    def forward(self, tokens: Tensor, gates: Tensor) -> Tensor:
        return sum(gates[:, slot, None] * each(tokens) for slot, each in enumerate(self.experts))


class Tiny(nn.Module):
    """A model with `rule`; without, its routes have one or two experts, by a foreign rule."""

    def __init__(self, rule: Rule | None = None) -> None:
        super().__init__()
        self.input = Preprocessing(height=4, width=4)
        self.routing = (rule or BestShare(experts=3, p=0.5, k_max=2),)
        self.features = nn.Linear(48, 8)
        self.router = nn.Linear(8, 3)
        self.experts = nn.ModuleList(nn.Linear(8, 5) for _ in range(3))

    def stage(self, index: int, route: tuple[int, ...]) -> nn.Module:
        return Step(self, route) if index else Stem(self)

    def forward(self, images: Tensor, routes: list[tuple[int, ...]] | None = None) -> Tensor:
        tokens = self.features(images.flatten(1))
        _, gates = select(self.router(tokens), self.routing[0], routes[0] if routes else None)
        answers = torch.stack([each(tokens) for each in self.experts], dim=1)
        return (gates[:, :, None] * answers).sum(1)


def require_answers(dispatcher: Dispatcher, model: Tiny) -> None:
    """The dispatcher answers as the model does."""
    images = np.random.default_rng(0).random((16, 3, 4, 4), np.float32) * 4 - 2
    with torch.no_grad():
        expected = model(torch.from_numpy(images)).numpy()
    # fp32 of two engines over sums of 48 products.
    np.testing.assert_allclose(dispatcher.run(images)["answer"], expected, rtol=0, atol=1e-5)


@pytest.fixture
def exported(foreign, tmp_path):
    """A bundle that needs another distribution's rule, made with its rewrite, and its model."""
    torch.manual_seed(0)
    model = Tiny()
    path = tmp_path / "tiny.mvmoe"
    export_bundle(
        model,
        path,
        identity=Identity(name="tiny"),
        options=ExportOptions(rewrites=("double-negation",)),
    )
    return model, path


def test_every_part_is_listed_with_its_distribution(foreign, capsys):
    succeeds("parts", "--json")
    listed = json.loads(capsys.readouterr().out)["parts"]
    found = {
        f"{kind}.{part['name']}"
        for kind, of_kind in listed.items()
        for part in of_kind
        if part["distribution"] == FOREIGN
    }
    assert found == set(foreign["entry-points"]["mvmoe.parts"])


def test_each_kind_of_part_has_an_example(foreign):
    kinds = {name.partition(".")[0] for name in foreign["entry-points"]["mvmoe.parts"]}
    # There is one reference, PyTorch: no command takes the name of another.
    assert set(part_lookup.PACKAGES) - kinds == {"references"}


def test_a_command_is_called_like_ours(foreign, capsys):
    succeeds("hello", "world", "--json")
    assert json.loads(capsys.readouterr().out) == {"text": "hello world"}


def test_a_rule_and_a_rewrite_are_exported_and_run_where_plug_ins_are_allowed(exported):
    model, path = exported
    with Dispatcher.open(path, plugins=True) as dispatcher:
        require_answers(dispatcher, model)
    manifest = json.loads((path / "manifest.json").read_text())
    assert manifest["targets"]["onnx"]["rewrites"] == ["double-negation"]
    assert {len(graph["route"] or ()) for graph in manifest["targets"]["onnx"]["graphs"]} == {
        0,
        1,
        2,
    }


COARSE = {"onnx": OnnxOptions, "coreml": CoreMLOptions}
"""Targets that take a recipe of another distribution, with their options."""


def export_coarsely(path: Path, target: str = "onnx") -> tuple[Tiny, Tiny]:
    """Exports a model with another distribution's recipe; gives it, and one with such weights."""
    model = tiny()
    options = ExportOptions(targets={target: COARSE[target](precision="coarse")})
    export_bundle(model, path, targets=(target,), options=options)
    rounded = deepcopy(model)
    for name, tensor in rounded.state_dict().items():
        if name.endswith("weight"):
            step = tensor.abs().max() / 128
            tensor.copy_((tensor / step).round() * step)
    return model, rounded


@pytest.mark.parametrize("target", COARSE)
def test_a_recipe_is_exported_verified_and_dispatched(foreign, tmp_path, capsys, target):
    path = tmp_path / "coarse.mvmoe"
    model, rounded = export_coarsely(path, target)
    # Its bounds are in the bundle: neither reading nor running it needs the recipe.
    (record,) = Bundle.open(path).manifest.targets.values()
    assert (record.precision, record.options["precision"]) == ("coarse", "coarse")
    bounds = part_lookup.find("recipes", "coarse").bounds
    # Those of the recipe are looser than what Core ML adds, which is said as well.
    reason = BOUNDS["float32"].reason
    added = {"onnx": "", "coreml": f"; {reason}"}[target]
    assert record.bounds == msgspec.structs.replace(bounds, reason=bounds.reason + added)
    assert record.parity.tolerance == record.bounds.answer_error == 4e-2
    succeeds("verify", str(path), "--json")
    capsys.readouterr()
    with Dispatcher.open(path, target) as dispatcher:
        # Of every graph, each expert's weights are the rounded ones, and not the model's.
        require_answers(dispatcher, rounded)
        with pytest.raises(AssertionError):
            require_answers(dispatcher, model)


def test_a_kind_of_output_is_found_where_plug_ins_are_allowed(foreign):
    angle = find_kind("angle")
    angle.require_shape((2,))
    wanted = np.array([[1, 0], [0, 1], [-1, 1e-3]], np.float32)
    given = np.array([[0, 1], [0, 2], [-1, -1e-3]], np.float32)
    found = angle.agreement(given, wanted)
    np.testing.assert_allclose(found.agreement, [0.5, 1, 1], rtol=0, atol=1e-3)
    assert angle.describe(wanted[1], None).rows == (("90.0",),)
    with pytest.raises(InputError) as refused:
        find_kind("angle", plugins=False)
    assert refused.value.code == "part.plugin-not-allowed"


class Pointing(Tiny):
    """A model that gives an angle."""

    def __init__(self) -> None:
        super().__init__(TopK(experts=3, k=1))
        self.outputs = {"heading": "angle"}
        self.experts = nn.ModuleList(nn.Linear(8, 2) for _ in range(3))


def test_an_output_of_a_foreign_kind_is_exported_verified_and_shown(foreign, tmp_path, capsys):
    torch.manual_seed(0)
    path, photograph = tmp_path / "pointing.mvmoe", tmp_path / "photograph.png"
    export_bundle(Pointing(), path)
    with raises(BundleError, "part.plugin-not-allowed", kind="outputs", name="angle"):
        Bundle.open(path)
    succeeds("verify", str(path), "--plugins", "--json")
    (target,) = json.loads(capsys.readouterr().out)["targets"].values()
    heading = target["outputs"]["heading"]
    assert (heading["kind"], heading["measure"]) == ("angle", "share of a half turn")
    assert heading["agreement"] == pytest.approx(1, abs=1e-5)
    Image.new("RGB", (8, 8)).save(photograph)
    succeeds("run", str(path), str(photograph), "--plugins", "--json")
    (result,) = json.loads(capsys.readouterr().out)["results"]
    assert -180 <= result["outputs"]["heading"]["value"]["degrees"] <= 180


def tiny() -> Tiny:
    """A factory for the command line."""
    torch.manual_seed(0)
    return Tiny(TopK(experts=3, k=1))


def test_a_recipe_and_an_option_of_a_target_are_flags_and_in_the_manifest(
    foreign, tmp_path, capsys
):
    path = tmp_path / "flags.mvmoe"
    command = ["export", "--model", f"{__name__}:tiny", "-o", str(path), "--json"]
    flags = ["--onnx-precision", "coarse", "--aten-json-indent", "3"]
    succeeds(*command, "--target", "onnx", "--target", "aten-json", *flags)
    capsys.readouterr()
    targets = json.loads((path / "manifest.json").read_text())["targets"]
    assert targets["onnx"]["precision"] == "coarse"
    assert targets["onnx"]["options"] == {"profile": "cpu", "opset": 20, "precision": "coarse"}
    assert targets["aten-json"]["precision"] == "fp32"
    assert targets["aten-json"]["options"] == {"indent": 3}
    assert '\n   "weights"' in (path / "aten-json" / "stem.json").read_text()


def test_the_help_and_the_list_of_parts_name_a_recipe(foreign, capsys):
    succeeds("parts", "recipes", "--json")
    listed = json.loads(capsys.readouterr().out)["parts"]["recipes"]
    said = {part["name"]: part["summary"] for part in listed}
    assert {"coarse", "fp16", "fp32"} <= said.keys()
    assert said["coarse"] == "Weights on a grid of 128 steps up to the largest of each tensor."
    succeeds("export", "--help")
    text = " ".join(capsys.readouterr().out.split())
    # Each target's flag has the recipes whose numbers its engine runs, and its own default.
    assert "One of coarse, fp16, fp32, int4, int8, int8-static. [default: fp32]" in text
    assert "One of coarse, fp16, fp32, int4, int8, int8-static, palette-4, palette-6." in text


def test_a_rewrite_is_advised_where_it_removes_what_an_engine_leaves_out(foreign):
    found = repairs(["neg.out", "mul.out"], ("one-partition",), applied=())
    assert "double-negation" in found.if_named
    assert found.without == []


def test_a_bundle_imports_no_plug_in_without_leave(exported):
    with raises(BundleError, "part.plugin-not-allowed", kind="rules", name="best_share"):
        Dispatcher.open(exported[1])


def test_device_subject_measurement_section_and_advice_are_used(exported, tmp_path, capsys):
    results, report = tmp_path / "results.jsonl", tmp_path / "report.md"
    bench = ["bench", str(exported[1]), "--plugins", "--device", "elsewhere", "--preset", "quick"]
    succeeds(*bench, "--compare", "zeros", "-o", str(results), "--json")
    capsys.readouterr()
    lines = [json.loads(line) for line in results.read_text().splitlines()]
    assert lines[0]["device"] == "elsewhere"
    assert {"zeros onnx", "dispatcher onnx"} <= {s["key"] for s in lines[0]["subjects"]}
    assert any(line["kind"] == "idled" and line["ns"] == 7 for line in lines)
    assert any(line.get("rule") == "graphs-counted" for line in lines)
    succeeds("report", str(results), "-o", str(report), "--json")
    assert json.loads(capsys.readouterr().out)["skipped"] == 0
    assert "0 subjects failed." in report.read_text()


@pytest.fixture
def export_foreign_target(foreign, tmp_path):
    """Makes a bundle of another distribution's target; gives its model too."""

    def export(rule: Rule | None = None) -> tuple[Tiny, Path]:
        torch.manual_seed(0)
        model, path = Tiny(rule), tmp_path / "foreign.mvmoe"
        export_bundle(model, path, targets=("aten-json",), identity=Identity(name="tiny"))
        return model, path

    return export


def test_a_target_is_exported_verified_and_run_by_its_own_runner(export_foreign_target, capsys):
    model, path = export_foreign_target()
    # The route guard has run all graphs, and the export has verified its bundle.
    (record,) = Bundle.open(path, plugins=True).manifest.targets.values()
    assert record.parity.graphs == len(record.graphs) == 7
    assert record.parity.verification.routing_agreement == 1
    succeeds("verify", str(path), "--plugins", "--json")
    (verified,) = json.loads(capsys.readouterr().out)["targets"].values()
    assert verified["engine"] == f"NumPy {np.__version__}"
    assert {tuple(row["route"]) for row in verified["routes"] if row["checked"]} == set(
        model.routing[0].routes()
    )
    with Dispatcher.open(path, "aten-json", plugins=True) as dispatcher:
        require_answers(dispatcher, model)


def test_a_target_is_benched_through_its_own_runner_and_read_for_advice(
    export_foreign_target, tmp_path, capsys
):
    _, path = export_foreign_target()
    results = tmp_path / "results.jsonl"
    bench = ["bench", str(path), "--plugins", "--preset", "quick", "-o", str(results), "--json"]
    succeeds(*bench)
    capsys.readouterr()
    lines = [json.loads(line) for line in results.read_text().splitlines()]
    timed = [line for line in lines if line["kind"] == "sample"]
    assert timed
    assert {line["subject"] for line in timed} == {"dispatcher aten-json"}
    assert not [line for line in lines if line["kind"] == "failure"]
    engines = [line["actual"] for line in lines if line["kind"] == "opened"]
    assert {"engine": f"NumPy {np.__version__}", "provider": "CPU"} in engines
    advice = advise(Bundle.open(path, plugins=True))
    assert "11 aten.linear.default" in " ".join(each.text for each in advice)


def test_without_leave_neither_the_runner_nor_the_target_of_a_bundle_is_imported(
    export_foreign_target,
):
    _, path = export_foreign_target(TopK(experts=3, k=1))
    with pytest.raises(InputError) as refused:
        Dispatcher.open(path, "aten-json")
    assert refused.value.code == "part.plugin-not-allowed"
    with pytest.raises(InputError) as refused:
        advise(Bundle.open(path))
    assert refused.value.code == "part.plugin-not-allowed"
    assert refused.value.fields["kind"] == "targets"


def test_the_bench_needs_leave_in_each_of_its_processes(export_foreign_target, tmp_path, capsys):
    _, path = export_foreign_target(TopK(experts=3, k=1))
    with pytest.raises(SystemExit) as ended:
        main(["bench", str(path), "-o", str(tmp_path / "r.jsonl"), "--preset", "quick", "--json"])
    assert ended.value.code == 2
    refused = json.loads(capsys.readouterr().out)["error"]
    assert refused["code"] == "part.plugin-not-allowed" and not (tmp_path / "r.jsonl").exists()
    root, record = tmp_path / "whole", Bundle.open(path).target("aten-json")
    root.mkdir()
    (root / RECORD).write_bytes(msgspec.json.encode(record))
    order = SubjectOrder(
        key="s",
        kind="dispatcher",
        root=str(path),
        target="aten-json",
        requested=EngineChoice(engine="aten-json"),
        threads=1,
        queries=(),
    )
    images, watch = np.zeros((1, 3, 4, 4), np.float32), Stopwatch()
    whole = msgspec.structs.replace(order, root=str(root))
    for act in (
        lambda: find_kind_of_subject("dispatcher").make(order, images, watch),
        lambda: find_kind_of_subject("static").make(whole, images, watch),
        lambda: find_measurement("placement").measure(None, order),
    ):
        with pytest.raises(InputError) as caught:
            act()
        assert caught.value.code == "part.plugin-not-allowed"


def test_a_family_is_trained_by_a_foreign_routing(foreign, tmp_path):
    options = default_options(
        preset("colour_tiny"), dense_epochs=1, moe_epochs=1, routings=("in-turn",)
    )
    (found,) = train(options, tmp_path / "run").routings
    assert found.super_classes == [["0", "2", "4", "6", "8"], ["1", "3", "5", "7", "9"]]


def test_a_data_set_is_trained_on_and_gives_the_images_of_a_comparison(foreign, tmp_path):
    options = default_options(preset(suited_preset("shades")), "shades", routings=("end-to-end",))
    report = train(options, tmp_path / "run")
    assert report.images == {"train": 40, "held_out": 40, "test": 40}
    assert report.classes[3] == "shade 3"
    model = load_checkpoint(tmp_path / "run" / "end-to-end")
    export_bundle(model.model, tmp_path / "b", identity=Identity.of(model), skip_verify=True)
    samples = load_samples("shades", Bundle.open(tmp_path / "b").manifest, most=20)
    assert (samples.names[0], len(samples.labels)) == ("shades test 0", 20)


def test_graphs_to_compare_with_are_made_with_the_recipe_where_plug_ins_are_allowed(
    foreign, tmp_path
):
    path = tmp_path / "coarse.mvmoe"
    model, _ = export_coarsely(path)

    def make(name: str, plugins: bool) -> dict:
        bundle, folder = Bundle.open(path, plugins=plugins), tmp_path / name
        request = Preparation(bundle, "onnx", model, None, [((0,),)], folder)
        make_static(request, folder)
        return json.loads((folder / RECORD).read_text())

    with pytest.raises(InputError) as refused:
        make("without leave", plugins=False)
    assert refused.value.code == "part.plugin-not-allowed"
    assert refused.value.fields["name"] == "coarse"
    assert make("with leave", plugins=True)["precision"] == "coarse"


def test_a_strategy_is_exported_and_run_where_plug_ins_are_allowed(foreign, tmp_path):
    torch.manual_seed(0)
    model, path = Tiny(TopK(experts=3, k=2)), tmp_path / "turned.mvmoe"
    export_bundle(model, path, strategy="last-first")
    with Dispatcher.open(path, plugins=True) as dispatcher:
        assert dispatcher.target.strategy == "last-first"
        require_answers(dispatcher, model)
    with raises(BundleError, "part.plugin-not-allowed", kind="strategies", name="last-first"):
        Dispatcher.open(path)


def test_a_recipe_that_changes_weights_is_refused_where_it_would_not_be_applied(foreign, tmp_path):
    chosen = ExportOptions(targets={"onnx": OnnxOptions(precision="coarse")})
    with raises(InputError, "input.option", name="precision", given="coarse"):
        export_bundle(tiny(), tmp_path / "refused.mvmoe", strategy="bind", options=chosen)
    assert not (tmp_path / "refused.mvmoe").exists()

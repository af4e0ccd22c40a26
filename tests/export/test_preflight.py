"""What cannot become a bundle is refused before a graph is made."""

import importlib.util
import math
import shutil
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch
from expected_errors import raises

from mvmoe_deploy.errors import CheckFailedError, InputError, MissingExtraError, OutputError
from mvmoe_deploy.preprocessing import Preprocessing
from mvmoe_deploy.routing import RouteShare
from mvmoe_export import ExportOptions, Identity, export_bundle, preflight
from mvmoe_export.parity.golden_vectors import GOLDEN_IMAGES
from mvmoe_export.stages import make_stages
from mvmoe_export.targets import find_target
from mvmoe_export.targets.coreml import CoreMLOptions
from mvmoe_export.targets.coreml import target as coreml
from mvmoe_export.targets.executorch import ExecuTorchOptions
from mvmoe_export.targets.executorch import target as executorch
from mvmoe_export.targets.onnx import OnnxOptions, target

ALL = ("onnx", "executorch", "coreml")


@pytest.fixture(scope="module")
def model(zoo):
    return zoo.enliven(zoo.Foreign())


@pytest.fixture
def unmade(monkeypatch):
    """Fails the test when a target begins to make graphs."""
    for kind in (coreml.CoreMLTarget, executorch.ExecuTorchTarget, target.OnnxTarget):
        monkeypatch.setattr(kind, "start", lambda *_: pytest.fail("a target was started"))


def _refused(model, tmp_path: Path, expected, **how: object) -> None:
    with expected:
        export_bundle(model, tmp_path / "x.mvmoe", **{"targets": ALL, **how})
    assert list(tmp_path.iterdir()) == []


@pytest.mark.usefixtures("unmade")
@pytest.mark.parametrize(
    ("identity", "code", "fields"),
    [
        ({"labels": ["a"] * 4}, "input.option", {"name": "labels", "given": 4, "expected": 5}),
        ({"labels": ["a", "b", "c", "d\n", "e"]}, "input.option", {"name": "label 3"}),
        ({"labels": ["\udce9", "b", "c", "d", "e"]}, "input.option", {"name": "label 0"}),
        ({"labels": ["a" * 1001, "b", "c", "d", "e"]}, "input.option", {"name": "label 0"}),
        ({"name": "a\x1b[31m"}, "input.option", {"name": "name"}),
        ({"family": "a\nb"}, "input.option", {"name": "family"}),
        ({"usage_prior": ()}, "input.option", {"name": "usage_prior", "given": 0, "expected": 1}),
        ({"usage_prior": ((RouteShare((7,), 1.0),),)}, "routing.unknown-route", {"route": [7]}),
        (
            {"checkpoint_sha256": "none"},
            "bundle.manifest-out-of-range",
            {"path": "$.source.checkpoint_sha256"},
        ),
    ],
)
def test_what_a_manifest_cannot_hold(
    model, tmp_path: Path, identity: dict, code: str, fields: dict
) -> None:
    _refused(model, tmp_path, raises(InputError, code, **fields), identity=Identity(**identity))


@pytest.mark.usefixtures("unmade")
@pytest.mark.parametrize(
    ("how", "fields"),
    [
        ({"batch": 4097}, {"name": "batch", "given": 4097}),
        (
            {"batch": 2, "options": {"coreml": CoreMLOptions(input="image")}},
            {"name": "batch", "given": 2},
        ),
        ({"options": {"core-ml": CoreMLOptions()}}, {"name": "options", "given": "core-ml"}),
        (
            {"options": {"onnx": CoreMLOptions()}},
            {"name": "options", "given": "CoreMLOptions", "expected": "OnnxOptions"},
        ),
        (
            {"options": {"executorch": OnnxOptions()}},
            {"name": "options", "given": "OnnxOptions", "expected": "ExecuTorchOptions"},
        ),
    ],
)
def test_options_that_no_target_can_serve(model, tmp_path: Path, how: dict, fields: dict) -> None:
    if "options" in how:
        how = {**how, "options": ExportOptions(targets=how["options"])}
    _refused(model, tmp_path, raises(InputError, "input.option", **fields), **how)


@pytest.mark.usefixtures("unmade")
def test_texts_of_a_formats_own_metadata(model, tmp_path: Path) -> None:
    options = ExportOptions(identity={"author": "\udce9"})
    expected = raises(InputError, "input.option", name="author")
    _refused(model, tmp_path, expected, options=options)


@pytest.mark.usefixtures("unmade")
def test_a_batch_of_images_beyond_what_a_manifest_may_ask_for(zoo, tmp_path: Path) -> None:
    model = zoo.Foreign()
    model.input = replace_size(model.input, 4096)
    expected = raises(InputError, "input.option", name="batch", given=17)
    _refused(model, tmp_path, expected, batch=17)


def replace_size(spec: Preprocessing, side: int) -> Preprocessing:
    return Preprocessing(height=side, width=side, channel_order="L", mean=spec.mean, std=spec.std)


@pytest.mark.usefixtures("unmade")
def test_factors_of_pixels_that_a_manifest_cannot_describe(zoo, tmp_path: Path) -> None:
    model = zoo.Foreign()
    model.input = Preprocessing(height=8, width=8, channel_order="L", mean=(900.0,), std=(1e-6,))
    options = ExportOptions(targets={"coreml": CoreMLOptions(input="image")})
    expected = raises(InputError, "input.option", name="coreml_input")
    _refused(model, tmp_path, expected, options=options)


@pytest.mark.usefixtures("unmade")
def test_a_model_that_answers_in_two_ways(zoo, tmp_path: Path) -> None:
    class Noisy(zoo.Foreign):
        def forward(self, images, routes=None):
            answer = super().forward(images, routes)
            return answer + torch.rand_like(answer)

    torch.manual_seed(0)
    expected = raises(CheckFailedError, "model.unsound", name="Noisy.forward")
    _refused(Noisy().eval(), tmp_path, expected)


@pytest.mark.usefixtures("unmade")
@pytest.mark.parametrize(
    ("where", "missing", "what", "extra"),
    [
        (coreml, "coremltools", "coremltools", "coreml"),
        (executorch, "executorch", "ExecuTorch", "executorch"),
        (target, "onnxscript", "onnxscript", "export"),
        (
            executorch,
            "coremltools",
            "coremltools, which ExecuTorch's delegate coreml needs,",
            "coreml",
        ),
    ],
)
def test_a_package_that_any_target_needs(  # noqa: PLR0917
    model, tmp_path: Path, monkeypatch, where, missing: str, what: str, extra: str
) -> None:
    real = importlib.util.find_spec
    monkeypatch.setattr(where, "find_spec", lambda name: None if name == missing else real(name))
    options = ExportOptions(targets={"executorch": ExecuTorchOptions(("xnnpack", "coreml"))})
    expected = raises(MissingExtraError, "extra.missing", what=what, extra=extra)
    _refused(model, tmp_path, expected, options=options)


@pytest.mark.usefixtures("unmade")
def test_too_little_room_says_what_is_needed(model, tmp_path: Path, monkeypatch) -> None:
    usage = SimpleNamespace(total=10**12, free=999)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage)
    expected = raises(OutputError, "output.no-space", path=str(tmp_path), found=999)
    _refused(model, tmp_path, expected)


def test_room_is_counted_for_every_format(model) -> None:
    stages = make_stages(model)
    weights = sum(tensor.numel() * 4 for tensor in model.state_dict().values())

    def room(name: str, **options: object) -> float:
        return find_target(name).room(stages, ExportOptions(targets=options)) / weights

    assert room("onnx") == room("onnx", onnx=OnnxOptions(("cpu", "nnapi"))) == 1
    assert room("executorch") == 2
    assert room("executorch", executorch=ExecuTorchOptions(("xnnpack", "coreml"))) == 2.5
    assert room("coreml") == 1.5
    assert room("coreml", coreml=CoreMLOptions(precision="fp32")) == 2


def test_what_compilers_read_is_there_once_for_all_of_them(model, monkeypatch) -> None:
    stages, said = make_stages(model), []
    monkeypatch.setattr(preflight, "require_space", lambda _, needed, __: said.append(needed))
    for names in (("coreml",), ("executorch",), ("coreml", "executorch", "onnx")):
        found = {name: find_target(name) for name in names}
        preflight.require_room(found, [(stages, ExportOptions())], Path("x"))
    golden = GOLDEN_IMAGES * math.prod(model.input.shape) * 4
    one, other, all_of_them = ((needed - golden) / stages.weight_bytes for needed in said)
    assert (one, other, all_of_them) == (1.5, 2, 1 + 0.5 + 1 + 1)


def test_equal_weights_and_those_that_no_stage_reads_take_no_room(zoo) -> None:
    model = zoo.Foreign(experts=3)
    distinct = make_stages(model).weight_bytes
    expert = model.experts[0][0].state_dict()
    for other in model.experts[0][1:]:
        other.load_state_dict(expert)
    model.only_in_training = torch.nn.Linear(100, 100)
    saved = 2 * sum(tensor.nbytes for tensor in expert.values())
    assert make_stages(model).weight_bytes == distinct - saved


def test_what_an_interrupted_export_has_kept_needs_no_more_room(
    model, tmp_path: Path, monkeypatch
) -> None:
    stages, found = make_stages(model), {"onnx": find_target("onnx")}
    golden = GOLDEN_IMAGES * math.prod(model.input.shape) * 4
    needed = golden + found["onnx"].room(stages, ExportOptions())
    free = SimpleNamespace(total=10**12, free=needed - 1000)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: free)
    path = tmp_path / "x.mvmoe"
    with raises(OutputError, "output.no-space", found=needed - 1000):
        preflight.require_room(found, [(stages, ExportOptions())], path)
    (tmp_path / ".x.mvmoe.resume" / "onnx").mkdir(parents=True)
    (tmp_path / ".x.mvmoe.resume" / "onnx" / "weights.bin").write_bytes(bytes(1000))
    preflight.require_room(found, [(stages, ExportOptions())], path)


def test_an_export_needs_at_least_the_room_that_was_said(
    model, tmp_path, monkeypatch, shared_templates
) -> None:
    path = tmp_path / "x.mvmoe"
    said = []
    monkeypatch.setattr(preflight, "require_space", lambda _, needed, __: said.append(needed))
    export_bundle(model, path, skip_verify=True)
    written = sum(file.stat().st_size for file in path.rglob("*") if file.is_file())
    (needed,) = said
    assert written / 2 < needed <= written


def test_a_target_of_another_package_may_leave_the_checks_out(model) -> None:
    stages, found = make_stages(model), {"later": SimpleNamespace(name="later")}
    preflight.require_targets(found, stages, ExportOptions())
    preflight.require_room(found, [(stages, ExportOptions())], Path("x"))


def test_labels_may_be_alike(model, tmp_path: Path, shared_templates) -> None:
    labels = ["crane", "crane", "café", "猫", " "]
    made = export_bundle(
        model, tmp_path / "x.mvmoe", identity=Identity(labels=labels), skip_verify=True
    )
    assert made.outputs[0].labels == tuple(labels)

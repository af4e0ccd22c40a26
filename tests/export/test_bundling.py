"""From model to bundle, engines run for real: answers, reproducible bytes, atomicity, refusals."""

import errno
import os
import re
import signal
import subprocess
import sys
import textwrap
import threading
from pathlib import Path

import numpy as np
import pytest
import torch
from expected_errors import raises
from PIL import Image

from mvmoe_deploy import Dispatcher
from mvmoe_deploy.bundle import Bundle
from mvmoe_deploy.errors import InputError, OutputError
from mvmoe_deploy.models.families.vit import ViT, ViTConfig
from mvmoe_export import Identity, bundling, export_bundle
from mvmoe_export.weight_file import WeightFile


def test_mobile_vmoe_answers_as_in_pytorch(ours, assert_answers):
    assert_answers(ours[1], ours[0])


def test_dense_vit_answers_as_in_pytorch(zoo, export, assert_answers):
    config = ViTConfig(image_size=8, patch_size=4, width=32, depth=2, heads=2, num_classes=5)
    model = zoo.enliven(ViT(config))
    path = export(model, batch=4)
    assert_answers(path, model)
    with Dispatcher.open(path) as dispatcher:
        prediction = dispatcher.predict(np.full((8, 8, 3), 90, np.uint8))
    assert (prediction.route, prediction.gates, prediction.routes) == ((), (), ())


@pytest.mark.usefixtures("shared_templates")
@pytest.mark.parametrize(
    "case",
    [
        ("Foreign", {"stages": 3}, {}),
        ("Foreign", {"k": 3}, {}),
        ("Foreign", {"k": 3}, {"strategy": "gather"}),
        ("Different", {}, {}),
        ("Normed", {}, {}),
        ("Tied", {}, {}),
        ("Tied", {}, {"strategy": "gather"}),
        ("Stacked", {"k": 2}, {}),
        ("Stacked", {"k": 2}, {"strategy": "gather"}),
    ],
)
def test_foreign_model_answers_as_in_pytorch(zoo, export, assert_answers, distinct_bytes, case):
    kind, shape, options = case
    model = zoo.enliven(getattr(zoo, kind)(**shape))
    path = export(model, **options)
    every_route_is_one = model.routing[0].k == model.routing[0].experts
    assert_answers(path, model, routes=1 if every_route_is_one else 2)
    # Tied experts are stacked one by one: the graph gathers from a row for each.
    if (kind, options.get("strategy")) != ("Tied", "gather"):
        room = 64 * len(model.state_dict())
        assert (path / "onnx" / "weights.bin").stat().st_size <= distinct_bytes(model) + room


def test_the_model_of_the_documentation_runs_as_it_says(
    doc_blocks, tmp_path, monkeypatch, zoo, assert_answers
):
    monkeypatch.chdir(tmp_path)
    pixels = np.random.default_rng(0).integers(0, 256, (20, 30, 3), dtype=np.uint8)
    Image.fromarray(pixels).save("photo.jpg")
    scope: dict[str, object] = {}
    for block in doc_blocks:
        exec(compile(block, "own_model.md", "exec"), scope)
    assert_answers(Path("conv_moe.bundle"), scope["model"], routes=1)
    assert scope["prediction"].route in [(expert,) for expert in range(4)]


def test_the_model_of_the_documentation_takes_two_experts_and_batches(
    doc_blocks, zoo, export, assert_answers
):
    scope: dict[str, object] = {}
    exec(compile(doc_blocks[0], "own_model.md", "exec"), scope)
    model = zoo.enliven(scope["ConvMoE"](k=2), seed=1)
    assert_answers(export(model, batch=3), model)


def test_a_weight_may_be_called_like_an_input(zoo, export, assert_answers):
    class Step(zoo.Step):
        def __init__(self, model, index, route):
            super().__init__(model, index, route)
            self.tokens, self.answer = model.tokens, model.answer

        def forward(self, tokens, gates):
            return super().forward(tokens + self.tokens, gates) + self.answer

    class Named(zoo.Foreign):
        def __init__(self):
            super().__init__(experts=2)
            self.tokens = torch.nn.Parameter(torch.zeros(self.head.in_features))
            self.answer = torch.nn.Parameter(torch.zeros(5))

        def forward(self, images, routes=None):
            tokens = self.embed(images.flatten(1))
            members, gates = self.gate(0, self.routers[0](tokens), routes)
            start = tokens + self.tokens
            experts = self.experts[0]
            added = [experts[e](start[i : i + 1]) for i, e in members.nonzero().tolist()]
            return self.head(start + gates[members][:, None] * torch.cat(added)) + self.answer

        def stage(self, index, route):
            return Step(self, index, route) if index else zoo.Stem(self)

    model = zoo.enliven(Named())
    assert_answers(export(model), model)


def test_the_manifest_says_who_the_model_is(zoo, tmp_path, shared_templates):
    identity = Identity(name="mine", labels=list("abcde"), checkpoint_sha256="0" * 64)
    model = zoo.enliven(zoo.Foreign(experts=2))
    manifest = export_bundle(model, tmp_path / "a.bundle", identity=identity)
    assert (manifest.model.name, manifest.model.family) == ("mine", "Foreign")
    assert manifest.outputs[0].labels == ("a", "b", "c", "d", "e")
    assert manifest.source.packages.keys() >= {"torch", "onnx", "onnxruntime"}
    parity = manifest.targets["onnx"].parity
    assert parity.graphs == 3
    assert 0 <= parity.max_abs_error < 1e-4


def test_a_model_in_training_mode_is_exported_in_evaluation_mode(zoo, tmp_path, shared_templates):
    model = zoo.enliven(zoo.Normed(experts=2)).train()
    before = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    export_bundle(model, tmp_path / "a.bundle")
    assert all(module.training for module in model.modules())
    assert all(torch.equal(before[name], tensor) for name, tensor in model.state_dict().items())


# The same bytes, whoever exports.

SCRIPT = """
import importlib.util, os, signal, sys
spec = importlib.util.spec_from_file_location("zoo", {conftest!r})
zoo = importlib.util.module_from_spec(spec)
spec.loader.exec_module(zoo)
model = zoo.enliven(zoo.build(zoo.MobileVMoEConfig(**zoo.CONFIG | {{"depth": 2}}), seed=0))
zoo.export_bundle(model, {whole!r})
zoo.export_bundle(model, {killed!r}, progress=lambda *_: os.kill(os.getpid(), signal.SIGKILL))
"""


@pytest.fixture(scope="module")
def other_process(tmp_path_factory):
    """A directory where a process exported one bundle and was killed amidst the next."""
    place = tmp_path_factory.mktemp("process")
    script = SCRIPT.format(
        conftest=str(Path(__file__).parent / "conftest.py"),
        whole=str(place / "whole.bundle"),
        killed=str(place / "killed.bundle"),
    )
    environment = os.environ | {"PYTHONHASHSEED": "123"}
    code = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(script)], env=environment, check=False
    ).returncode
    assert code == -signal.SIGKILL
    return place


def contents(path):
    return {
        file.relative_to(path).as_posix(): file.read_bytes()
        for file in path.rglob("*")
        if file.is_file()
    }


def test_another_process_writes_the_same_bytes(vmoe, export, other_process):
    assert contents(export(vmoe(depth=2))) == contents(other_process / "whole.bundle")


def test_a_killed_export_leaves_no_bundle_and_is_swept(other_process, zoo, shared_templates):
    killed = other_process / "killed.bundle"
    assert not killed.exists()
    assert len(list(other_process.iterdir())) == 2
    export_bundle(zoo.enliven(zoo.Foreign(experts=2)), killed)
    Bundle.open(killed).verify()
    assert sorted(file.name for file in other_process.iterdir()) == [
        "killed.bundle",
        "whole.bundle",
    ]


# All or nothing.


@pytest.fixture
def model(zoo, shared_templates):
    return zoo.enliven(zoo.Foreign(experts=2))


def explode(error):
    def run(*args, **kwargs):
        raise error

    return run


@pytest.mark.parametrize("moment", ["guard", "golden_vectors", "write_manifest"])
@pytest.mark.parametrize("error", [RuntimeError("boom"), KeyboardInterrupt()])
def test_an_error_amidst_an_export_leaves_nothing(model, tmp_path, monkeypatch, moment, error):
    monkeypatch.setattr(bundling, moment, explode(error))
    with pytest.raises(type(error)):
        export_bundle(model, tmp_path / "a.bundle")
    assert not list(tmp_path.iterdir())


def test_an_error_amidst_a_replacement_leaves_the_old_bundle(model, tmp_path, monkeypatch):
    path = tmp_path / "a.bundle"
    export_bundle(model, path)
    before = contents(path)
    monkeypatch.setattr(bundling, "guard", explode(RuntimeError("boom")))
    with pytest.raises(RuntimeError):
        export_bundle(model, path, replace_existing=True)
    assert contents(tmp_path) == {f"a.bundle/{name}": data for name, data in before.items()}


def test_an_existing_bundle_is_refused_or_replaced(model, zoo, tmp_path):
    path = tmp_path / "a.bundle"
    export_bundle(model, path)
    before = contents(path)
    other = zoo.enliven(zoo.Foreign(experts=2), seed=1)
    with raises(InputError, "output.exists", path=str(path)):
        export_bundle(other, path)
    assert contents(path) == before
    export_bundle(other, path, replace_existing=True)
    Bundle.open(path).verify()
    assert contents(path).keys() == before.keys()
    assert contents(path)["golden.safetensors"] != before["golden.safetensors"]
    assert [file.name for file in tmp_path.iterdir()] == ["a.bundle"]


@pytest.mark.parametrize("moment", ["before", "during"])
def test_a_file_that_somebody_put_into_a_bundle_is_kept(model, tmp_path, monkeypatch, moment):
    path = tmp_path / "a.bundle"
    export_bundle(model, path, skip_verify=True)
    write = bundling.write_manifest

    def put_notes(*arguments):
        (path / "notes.txt").write_text("precious")
        if arguments:
            write(*arguments)

    if moment == "before":
        put_notes()
        monkeypatch.setattr(bundling, "make_stages", explode(AssertionError("the work began")))
    else:
        monkeypatch.setattr(bundling, "write_manifest", put_notes)
    before = contents(path)
    with raises(InputError, "output.foreign", path=str(path)) as caught:
        export_bundle(model, path, replace_existing=True, skip_verify=True)
    assert "notes.txt" in str(caught.value)
    assert contents(path) == before | {"notes.txt": b"precious"}
    assert [file.name for file in tmp_path.iterdir()] == ["a.bundle"]


def test_a_full_disk_is_one_sentence(model, tmp_path, monkeypatch):
    full = OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    monkeypatch.setattr(WeightFile, "_append", explode(full))
    with raises(OutputError, "output.no-space", path=str(tmp_path / "a.bundle")) as caught:
        export_bundle(model, tmp_path / "a.bundle")
    assert "\n" not in str(caught.value)
    assert not list(tmp_path.iterdir())


def test_of_two_exports_to_one_place_exactly_one_wins(zoo, tmp_path, monkeypatch, shared_templates):
    path = tmp_path / "a.bundle"
    models = [zoo.enliven(zoo.Foreign(experts=2), seed) for seed in (1, 2)]
    one_at_a_time, both = threading.Lock(), threading.Barrier(2)
    run_targets, write_manifest = bundling.TargetMaking.run, bundling.write_manifest

    def run_in_turn(*arguments):
        with one_at_a_time:  # PyTorch's exporter is not made for two threads.
            return run_targets(*arguments)

    def write_manifest_together(*arguments):
        write_manifest(*arguments)
        both.wait(60)

    monkeypatch.setattr(bundling.TargetMaking, "run", run_in_turn)
    monkeypatch.setattr(bundling, "write_manifest", write_manifest_together)
    errors = {}

    def run(index):
        try:
            export_bundle(models[index], path)
        except InputError as error:
            errors[index] = error

    threads = [threading.Thread(target=run, args=(index,)) for index in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    (loser,) = errors
    assert "exists already" in str(errors[loser])
    bundle = Bundle.open(path)
    bundle.verify()
    golden = bundle.golden()
    wanted = models[1 - loser](torch.from_numpy(golden["image"])).detach().numpy()
    np.testing.assert_allclose(golden["outputs.answer"], wanted, rtol=1e-4, atol=1e-5)
    assert [file.name for file in tmp_path.iterdir()] == ["a.bundle"]


# What cannot be exported is refused before anything is written.


def refusal(model, tmp_path, **options):
    with pytest.raises(InputError) as caught:
        export_bundle(model, tmp_path / "a.bundle", **options)
    assert not list(tmp_path.iterdir())
    return str(caught.value)


def test_too_many_routes_suggest_gather(zoo, tmp_path):
    model = zoo.Foreign(experts=20, k=3)
    with pytest.raises(InputError) as caught:
        export_bundle(model, tmp_path / "a.bundle")
    assert caught.value.code == "export.too-many-graphs"
    assert caught.value.fields == {"stage": 1, "limit": 256}
    message = str(caught.value)
    assert "selects top 3 of 20 experts, which has 1,140 routes" in message
    assert "more graphs of it than the limit of 256" in message
    assert "--strategy gather" in message
    assert "--max-graphs" in message


def test_the_limit_of_graphs_is_the_callers(zoo, tmp_path, shared_templates):
    model = zoo.enliven(zoo.Foreign(experts=3))
    message = refusal(model, tmp_path, max_graphs=2)
    assert "which has 3 routes" in message and "more graphs of it than the limit of 2;" in message
    export_bundle(model, tmp_path / "a.bundle", max_graphs=3)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"strategy": "gather", "batch": 2}, "one image at a time, not batch 2; give --batch 1"),
        ({"batch": 0}, "batch 0 was given; expected at least 1"),
        ({"targets": ()}, "no target was given; give one of .*onnx"),
        ({"targets": ("abacus",)}, "target 'abacus' is unknown; installed are .*onnx"),
    ],
)
def test_options_that_make_no_sense(zoo, tmp_path, options, message):
    assert re.search(message, refusal(zoo.Foreign(experts=2), tmp_path, **options))


def test_what_is_no_routed_model(tmp_path):
    assert "object is no routed model: it lacks input, routing, stage" in refusal(
        object(), tmp_path
    )
    assert "see docs/own_model.md" in refusal(torch.nn.Linear(1, 1), tmp_path)


def test_half_precision_parameters(zoo, tmp_path):
    message = refusal(zoo.Foreign().half(), tmp_path)
    assert "parameters of float16; call .float() on it first" in message


def test_experts_of_different_shapes_cannot_be_gathered(zoo, tmp_path):
    message = refusal(zoo.Different(), tmp_path, strategy="gather")
    assert "needs experts of equal shapes" in message
    assert "--strategy dispatch" in message


@pytest.mark.parametrize("wrong", [{"labels": ["a"]}, {"usage_prior": ()}])
def test_an_identity_that_contradicts_the_model(zoo, tmp_path, shared_templates, wrong):
    message = refusal(zoo.enliven(zoo.Foreign(experts=2)), tmp_path, identity=Identity(**wrong))
    assert (
        "labels for an output answer of 5 classes" in message
        or "usage prior has 0 stages" in message
    )

"""Whole runs: what they leave, what they refuse, and that a kill changes nothing."""

import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import replace
from itertools import chain
from pathlib import Path

import msgspec
import numpy as np
import pytest
from expected_errors import raises
from PIL import Image
from safetensors.torch import load_file
from training_interrupt import Interrupt

from mvmoe_deploy.errors import CheckFailedError, CheckpointError, ImageError, InputError
from mvmoe_deploy.models import load_checkpoint
from mvmoe_deploy.models.families.mobile_vmoe import MobileVMoE
from mvmoe_deploy.training import TrainOptions, TrainReport, train
from mvmoe_deploy.training.training_report import read_report

ALL = ("super-class", "end-to-end", "random")


@pytest.fixture(scope="module")
def finished(tiny_options, tmp_path_factory) -> tuple[TrainOptions, Path, TrainReport]:
    """A run with all routings that nobody interrupted."""
    options = tiny_options(routings=ALL)
    out = tmp_path_factory.mktemp("finished") / "run"
    return options, out, train(options, out)


def _same_weights(one: Path, two: Path, names: tuple[str, ...]) -> None:
    for name in names:
        ours, theirs = (load_file(out / name / "model.safetensors") for out in (one, two))
        assert ours.keys() == theirs.keys()
        for key, tensor in ours.items():
            assert tensor.numpy().tobytes() == theirs[key].numpy().tobytes(), (name, key)


def _epochs(out: Path) -> list[tuple[str, int]]:
    lines = (out / "metrics.jsonl").read_text().splitlines()
    return [(record["phase"], record["epoch"]) for record in map(json.loads, lines)]


def test_a_run_leaves_checkpoints_report_metrics_and_picture(finished) -> None:
    options, out, report = finished
    left = {path.name for path in out.iterdir()}
    assert left == {
        "options.json",
        "images.jsonl",
        "metrics.jsonl",
        "report.json",
        "class_to_expert.png",
        "dense",
        *ALL,
    }
    assert read_report(out / "report.json") == report
    assert _epochs(out) == [(phase, epoch) for phase in ("dense", *ALL) for epoch in (1, 2)]
    with Image.open(out / "class_to_expert.png") as picture:
        assert picture.width > 600
    assert load_checkpoint(out / "dense").config == options.config.dense()


def test_the_report_adds_up(finished) -> None:
    options, _, report = finished
    assert report.images == {"train": 1079, "held_out": 359, "test": 359}
    assert np.sum(report.dense.confusion) == 359
    assert list(report.seconds) == ["dense", "super-classes", *ALL]
    for routing in report.routings:
        assert sum(share.share for share in routing.route_usage[0]) == pytest.approx(1)
        assert sum(routing.expert_usage[0]) == pytest.approx(options.config.top_k)
        assert np.sum(routing.class_to_expert[0], axis=1) == pytest.approx(np.ones(10))
        assert 1 / 3 < routing.mean_gate <= 1


def test_without_a_routing_the_dense_twin_alone_is_trained(finished, tmp_path: Path) -> None:
    options, out, report = finished
    alone = train(replace(options, routings=()), tmp_path / "dense")
    assert alone.dense == report.dense and alone.routings == ()
    _same_weights(out, tmp_path / "dense", ("dense",))
    assert not (tmp_path / "dense" / "class_to_expert.png").exists()
    start = str(tmp_path / "dense" / "dense")
    further = replace(options, routings=(), start=start, dense_epochs=1)
    assert train(further, tmp_path / "further").start.checkpoint == start
    assert _epochs(tmp_path / "further") == [("dense", 1)]


def test_super_classes_are_a_partition_and_none_without_a_guide(finished) -> None:
    _, _, report = finished
    guided, free, random = report.routings
    for routing in (guided, random):
        assert sorted(chain.from_iterable(routing.super_classes)) == report.classes
        assert all(routing.super_classes)
        assert 0 <= routing.router_accuracy <= 1
    assert [len(names) for names in random.super_classes] == [4, 3, 3]
    assert free.super_classes is None
    assert free.router_accuracy is None


def test_checkpoints_carry_labels_preprocessing_and_the_usage_prior(finished) -> None:
    _, out, report = finished
    for routing in report.routings:
        checkpoint = load_checkpoint(out / routing.checkpoint)
        assert isinstance(checkpoint.model, MobileVMoE)
        assert checkpoint.labels == list("0123456789")
        assert checkpoint.model.input.mean == (0.3045,)
        assert sum(item.share for item in checkpoint.usage_prior[0]) == pytest.approx(1)


def test_a_finished_run_resumes_to_its_report(finished) -> None:
    options, out, report = finished
    before = (out / "report.json").stat().st_mtime_ns
    assert train(options, out, resume=True) == report
    assert (out / "report.json").stat().st_mtime_ns == before


def test_a_run_is_not_written_over(finished) -> None:
    options, out, _ = finished
    with pytest.raises(InputError, check=lambda error: error.code == "output.exists"):
        train(options, out)


@pytest.mark.parametrize(
    ("change", "fields"),
    [
        ({"lr": 1e-3}, {"name": "lr", "expected": "0.004", "found": "0.001"}),
        ({"routings": ("random",)}, {"name": "routings", "found": "['random']"}),
        ({"seed": 5}, {"name": "seed", "expected": "0", "found": "5"}),
    ],
)
def test_other_options_do_not_resume(finished, change: dict, fields: dict) -> None:
    options, out, _ = finished
    with raises(InputError, "resume.mismatch", **fields):
        train(replace(options, **change), out, resume=True)


def test_another_model_does_not_resume(finished) -> None:
    options, out, _ = finished
    wider = replace(options, config=replace(options.config, width=32))
    with pytest.raises(
        InputError,
        check=lambda error: (
            (error.code, error.fields["name"]) == ("resume.mismatch", "config.width")
        ),
    ):
        train(wider, out, resume=True)


def test_a_directory_that_is_no_run_is_not_resumed(tiny_options, tmp_path: Path) -> None:
    (tmp_path / "letter.txt").write_text("dear all")
    with raises(InputError, "output.foreign", path=str(tmp_path)):
        train(tiny_options(), tmp_path, resume=True)
    assert [path.name for path in tmp_path.iterdir()] == ["letter.txt"]


def _files(folder: Path) -> dict[Path, bytes]:
    return {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.mark.parametrize(
    "content", ['{"window.zoom": 1}', "[]", "null", "dear all", "", '{"format": "another"}']
)
def test_options_of_another_program_are_no_run(tiny_options, tmp_path: Path, content: str) -> None:
    (tmp_path / "options.json").write_text(content)
    with pytest.raises(InputError, check=lambda error: error.code == "resume.damaged"):
        train(tiny_options(), tmp_path, resume=True)
    assert [path.name for path in tmp_path.rglob("*")] == ["options.json"]


@pytest.mark.parametrize("name", ["state/notes.txt", "images.jsonl"])
def test_a_directory_with_names_of_ours_is_no_run(tiny_options, tmp_path: Path, name: str) -> None:
    (tmp_path / name).parent.mkdir(exist_ok=True)
    (tmp_path / name).write_text("precious")
    before = _files(tmp_path)
    with pytest.raises(InputError, check=lambda error: error.code == "output.foreign"):
        train(tiny_options(), tmp_path, resume=True)
    assert _files(tmp_path) == before


@pytest.mark.parametrize(
    "name", ["metrics.jsonl", "class_to_expert.png", "dense/notes.txt", "super-class/notes.txt"]
)
def test_a_run_replaces_nothing_that_somebody_put_into_it(
    tiny_options, tmp_path: Path, name: str
) -> None:
    out = tmp_path / "run"
    with pytest.raises(KeyboardInterrupt):
        train(tiny_options(), out, progress=Interrupt("dense", 1))
    (out / name).parent.mkdir(exist_ok=True)
    (out / name).write_text("precious")
    before = _files(out)
    with raises(InputError, "output.foreign", path=str(out / name.removesuffix("/notes.txt"))):
        train(tiny_options(), out, resume=True, progress=Interrupt("dense", 1))
    assert _files(out) == before


def test_a_finished_run_removes_its_states_and_nothing_else(tiny_options, tmp_path: Path) -> None:
    out = tmp_path / "run"
    with pytest.raises(KeyboardInterrupt):
        train(tiny_options(), out, progress=Interrupt("super-class", 2))
    (out / "state" / "notes.txt").write_text("precious")
    train(tiny_options(), out, resume=True)
    assert [path.name for path in (out / "state").iterdir()] == ["notes.txt"]


def test_a_run_is_not_put_among_the_images(tiny_options, image_folder) -> None:
    options = replace(tiny_options(), data=str(image_folder))
    before = _files(image_folder)
    for place in (".", "train", "train/run", "val/blue", "train/../val", ".."):
        with raises(InputError, "output.is-input", output=str(image_folder / place)):
            train(options, image_folder / place, resume=True)
    assert _files(image_folder) == before


def test_a_file_is_no_run_directory(tiny_options, tmp_path: Path) -> None:
    (tmp_path / "run").write_text("")
    with pytest.raises(InputError, check=lambda error: error.code == "output.not-replaceable"):
        train(tiny_options(), tmp_path / "run")


def test_a_link_is_no_run_directory_and_is_called_one(tiny_options, tmp_path: Path) -> None:
    (tmp_path / "there").mkdir()
    (tmp_path / "run").symlink_to("there")
    with pytest.raises(InputError, check=lambda error: error.code == "output.not-replaceable"):
        train(tiny_options(), tmp_path / "run")


def test_wrong_class_counts_are_refused(tiny_options, tmp_path: Path) -> None:
    options = tiny_options()
    other = replace(options, config=replace(options.config, num_classes=7))
    with pytest.raises(
        InputError,
        check=lambda error: (error.code, error.fields["expected"]) == ("model.config-invalid", 10),
    ):
        train(other, tmp_path / "run")
    many = replace(options, config=replace(options.config, experts=11))
    with pytest.raises(
        InputError,
        check=lambda error: (
            (error.code, error.fields["name"]) == ("model.config-invalid", "experts")
        ),
    ):
        train(many, tmp_path / "run")
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize("phase", ["dense", "random"])
def test_ctrl_c_leaves_a_run_that_resumes_to_the_same_weights(
    finished, tmp_path: Path, phase: str
) -> None:
    options, whole, report = finished
    with pytest.raises(KeyboardInterrupt):
        train(options, tmp_path / "run", progress=Interrupt(phase, 2))
    resumed = train(options, tmp_path / "run", resume=True)
    _same_weights(whole, tmp_path / "run", ("dense", *ALL))
    assert _epochs(whole) == _epochs(tmp_path / "run")
    assert replace(resumed, seconds={}) == replace(report, seconds={})


_SCRIPT = """
import sys
from pathlib import Path
import msgspec
from mvmoe_deploy.models import InputChoices
from mvmoe_deploy.models.families.mobile_vmoe import MobileVMoEConfig
from mvmoe_deploy.training import Silent, TrainOptions, train

class Pace(Silent):
    def step(self, share):
        import time
        time.sleep(0.02)  # leaves the killer time to aim

fields = msgspec.json.decode(sys.argv[2])
fields["config"] = MobileVMoEConfig(**fields["config"])
fields["routings"] = tuple(fields["routings"])
fields["input"] = InputChoices(**fields["input"])
if __name__ == "__main__":
    train(TrainOptions(**fields), Path(sys.argv[1]), resume=True, progress=Pace())
"""


def _kill_during(options: TrainOptions, out: Path, phase: str, epoch: int) -> None:
    """Run in a process of its own until `epoch` of `phase` is under way; then SIGKILL."""
    plain = msgspec.json.encode(options).decode()
    process = subprocess.Popen([sys.executable, "-c", _SCRIPT, str(out), plain])
    metrics = out / "metrics.jsonl"
    while not (metrics.exists() and (phase, epoch - 1) in _whole_epochs(metrics)):
        assert process.poll() is None, "the run ended before it could be killed"
        time.sleep(0.01)
    time.sleep(0.1)
    process.send_signal(signal.SIGKILL)
    assert process.wait(timeout=60) == -signal.SIGKILL


def _whole_epochs(metrics: Path) -> list[tuple[str, int]]:
    """Epochs of a log that is being written."""
    lines = [line for line in metrics.read_text().splitlines() if line.endswith("}")]
    return [(record["phase"], record["epoch"]) for record in map(json.loads, lines)]


@pytest.mark.skipif(os.name == "nt", reason="SIGKILL is missing on Windows")
def test_kills_in_both_phases_change_no_weight(finished, tmp_path: Path) -> None:
    options, whole, report = finished
    out = tmp_path / "run"
    _kill_during(options, out, "dense", 2)
    assert not (out / "dense").exists()
    _kill_during(options, out, "super-class", 2)
    assert (out / "state" / "super-class.safetensors").exists()
    resumed = train(options, out, resume=True)
    _same_weights(whole, out, ("dense", *ALL))
    assert _epochs(out) == _epochs(whole)
    assert replace(resumed, seconds={}) == replace(report, seconds={})
    assert not (out / "state").exists()


def test_a_run_in_progress_is_not_joined(tiny_options, tmp_path: Path, monkeypatch) -> None:
    from filelock import FileLock

    from mvmoe_deploy.training import run_directory

    monkeypatch.setattr(run_directory, "_LOCK_SECONDS", 0.1)
    (tmp_path / "run" / "state").mkdir(parents=True)
    with (
        FileLock(tmp_path / "run" / "state" / "lock"),
        pytest.raises(InputError, check=lambda error: error.code == "output.busy"),
    ):
        train(tiny_options(), tmp_path / "run", resume=True)


def test_a_finished_run_that_is_asked_otherwise_keeps_no_lock(tiny_options, tmp_path: Path) -> None:
    out = tmp_path / "run"
    train(tiny_options(), out)
    before = sorted(out.rglob("*"))
    with pytest.raises(InputError, check=lambda error: error.code == "resume.mismatch"):
        train(tiny_options(lr=0.5), out, resume=True)
    assert sorted(out.rglob("*")) == before


def test_a_report_of_something_else_costs_no_training_state(tiny_options, tmp_path: Path) -> None:
    out = tmp_path / "run"
    with pytest.raises(KeyboardInterrupt):
        train(tiny_options(), out, progress=Interrupt("dense", 2))
    (out / "report.json").write_text("{}")
    with pytest.raises(InputError, check=lambda error: error.code == "resume.damaged"):
        train(tiny_options(), out, resume=True)
    assert (out / "state" / "dense.safetensors").exists()


def test_a_lock_that_its_last_holder_removes_is_made_again(tmp_path: Path, monkeypatch) -> None:
    from filelock import FileLock

    from mvmoe_deploy.training import run_directory

    removed = []

    class Late(FileLock):
        def acquire(self, *args, **kwargs):
            if not removed:
                removed.append(Path(self.lock_file).parent.rmdir())
            return super().acquire(*args, **kwargs)

    monkeypatch.setattr(run_directory, "FileLock", Late)
    with run_directory.locked_run_directory(tmp_path / "run", resume=True):
        assert removed and (tmp_path / "run" / "state" / "lock").exists()
    assert not (tmp_path / "run").exists()


def test_a_damaged_state_is_named(tiny_options, tmp_path: Path) -> None:
    out = tmp_path / "run"
    with pytest.raises(KeyboardInterrupt):
        train(tiny_options(), out, progress=Interrupt("dense", 2))
    state = out / "state" / "dense.safetensors"
    state.write_bytes(state.read_bytes()[:1000])
    with pytest.raises(CheckpointError, check=lambda error: error.code == "resume.damaged"):
        train(tiny_options(), out, resume=True)


def test_a_loss_that_is_no_number_stops_the_run(tiny_options, tmp_path: Path) -> None:
    options = tiny_options(lr=10.0, clip_norm=0.0, weight_decay=10.0, warmup=0.0)
    with pytest.raises(
        CheckFailedError,
        check=lambda error: (error.code, error.fields["phase"]) == ("training.diverged", "dense"),
    ):
        train(replace(options, dense_epochs=60), tmp_path / "run")


def test_a_folder_trains_and_names_the_image_it_cannot_read(image_folder, tmp_path: Path) -> None:
    from mvmoe_deploy.models.families.mobile_vmoe import MobileVMoEConfig

    config = MobileVMoEConfig(
        image_size=16,
        patch_size=8,
        num_classes=3,
        width=16,
        depth=2,
        heads=2,
        experts=2,
        top_k=2,
        moe_layers=2,
        routers="per-layer",
    )
    options = TrainOptions(
        config=config, data=str(image_folder), dense_epochs=30, moe_epochs=10, batch_size=9, lr=5e-3
    )
    report = train(options, tmp_path / "run")
    assert report.dense.test_accuracy == report.routings[0].test_accuracy == 1.0
    assert len(report.routings[0].expert_usage) == 2
    assert [share.route for share in report.routings[0].route_usage[1]] == [(0, 1)]
    assert load_checkpoint(tmp_path / "run" / "super-class").config == config
    (image_folder / "train" / "red" / "3.png").write_bytes(b"broken")
    (image_folder / "train" / "red" / "4.png").write_bytes(b"broken too")
    with raises(ImageError, "image.invalid", image="train/red/3.png", found=2):
        train(options, tmp_path / "again")
    with pytest.raises(InputError, check=lambda error: error.code == "resume.data-changed"):
        train(options, tmp_path / "run", resume=True)


def test_the_guide_teaches_the_router(tiny_options, tmp_path: Path) -> None:
    config = replace(tiny_options().config, patch_size=2, width=32)
    options = tiny_options(config=config, dense_epochs=10, moe_epochs=6, batch_size=32)
    guided = train(options, tmp_path / "run").routings[0]
    assert guided.router_accuracy > 0.7
    assert min(guided.expert_usage[0]) > 0.05
    assert guided.test_accuracy > 0.85

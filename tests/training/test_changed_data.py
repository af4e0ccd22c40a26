"""Runs that are resumed on images that are not what they were."""

import json
import re
import shutil
from pathlib import Path

import pytest
from expected_errors import raises
from PIL import Image

from mvmoe_deploy.errors import ImageError, InputError
from mvmoe_deploy.models.families.mobile_vmoe import MobileVMoEConfig
from mvmoe_deploy.training import Silent, TrainOptions, train
from mvmoe_deploy.training.inventory import Inventory

CONFIG = MobileVMoEConfig(
    image_size=16,
    patch_size=8,
    num_classes=3,
    width=16,
    depth=2,
    heads=2,
    experts=2,
    moe_layers=1,
)


class Stop(Silent):
    """Interrupts when `epoch` of `phase` is done."""

    def __init__(self, phase: str, epoch: int) -> None:
        self.where = (phase, epoch)

    def epoch(self, record: dict) -> None:
        if (record["phase"], record["epoch"]) == self.where:
            raise KeyboardInterrupt


def _options(folder: Path, **changes: object) -> TrainOptions:
    recipe = {"dense_epochs": 3, "moe_epochs": 2, "batch_size": 9, "threads": 1}
    return TrainOptions(**{"config": CONFIG, "data": str(folder), **recipe, **changes})


@pytest.fixture
def interrupted(image_folder: Path, tmp_path: Path) -> tuple[TrainOptions, Path, Path]:
    """A run with two of its three dense epochs done."""
    options, out = _options(image_folder), tmp_path / "run"
    with pytest.raises(KeyboardInterrupt):
        train(options, out, progress=Stop("dense", 2))
    return options, out, image_folder


def _paint(path: Path, color: tuple[int, int, int]) -> None:
    Image.new("RGB", (20, 24), color).save(path)


def _splits(out: Path) -> dict[str, str]:
    return {entry.path: entry.split for entry in Inventory.read(out / "images.jsonl").entries}


def test_a_repaired_image_is_named_and_let_pass_when_asked(interrupted) -> None:
    options, out, folder = interrupted
    before = _splits(out)
    _paint(folder / "val" / "red" / "2.png", (200, 9, 9))
    with raises(
        InputError, "resume.data-changed", path=str(out), found="1 changed (val/red/2.png)"
    ):
        train(options, out, resume=True)
    report = train(options, out, resume=True, accept_changed_data=True)
    (change,) = report.data_changes
    assert (change.phase, change.epoch, change.changed) == ("dense", 2, 1)
    assert change.files == ("val/red/2.png",)
    assert json.loads((out / "report.json").read_text())["data_changes"][0]["epoch"] == 2
    assert _splits(out) == before


def test_the_same_size_with_other_content_is_a_change(interrupted) -> None:
    options, out, folder = interrupted
    path = folder / "train" / "red" / "3.png"
    image = Image.open(path).convert("RGB").transpose(Image.Transpose.FLIP_LEFT_RIGHT)
    size = path.stat().st_size
    image.save(path)
    path.write_bytes(path.read_bytes()[:size].ljust(size, b"\0"))
    assert path.stat().st_size == size
    with raises(InputError, "resume.data-changed", found="1 changed (train/red/3.png)"):
        train(options, out, resume=True)


def test_touched_and_moved_images_are_the_same_images(interrupted, tmp_path: Path) -> None:
    options, out, folder = interrupted
    for path in folder.rglob("*.png"):
        path.touch()
    shutil.move(folder, tmp_path / "kept")
    shutil.copytree(tmp_path / "kept", folder, copy_function=shutil.copyfile)
    assert train(options, out, resume=True).data_changes == ()


def test_added_and_removed_files_leave_every_other_in_its_split(interrupted) -> None:
    options, out, folder = interrupted
    before = _splits(out)
    held_out = next(path for path, split in before.items() if split == "held_out")
    gone = next(path for path, split in before.items() if split == "train")
    renamed = folder / Path(held_out).with_name("a-new-name.png")
    (folder / held_out).rename(renamed)
    (folder / gone).unlink()
    for number in range(5):
        _paint(folder / "train" / "blue" / f"more{number}.png", (9, number, 200))
    _paint(folder / "val" / "blue" / "more.png", (9, 9, 200))
    with raises(InputError, "resume.data-changed", path=str(out)) as caught:
        train(options, out, resume=True)
    assert re.match(r"7 added \(train/.* and 4 more\), 2 removed \(", caught.value.fields["found"])
    report = train(options, out, resume=True, accept_changed_data=True)
    after = _splits(out)
    assert {path: split for path, split in after.items() if path in before} == {
        path: split for path, split in before.items() if path not in (gone, held_out)
    }
    assert after[renamed.relative_to(folder).as_posix()] == "held_out"
    assert {after[f"train/blue/more{number}.png"] for number in range(5)} == {"train"}
    assert after["val/blue/more.png"] == "test"
    assert report.images == {"train": 27 - 1 + 5, "held_out": 3, "test": 10}


def test_a_run_that_went_on_resumes_again_without_being_asked(interrupted) -> None:
    options, out, folder = interrupted
    _paint(folder / "train" / "red" / "new.png", (200, 9, 9))
    with pytest.raises(KeyboardInterrupt):
        train(
            options,
            out,
            resume=True,
            accept_changed_data=True,
            progress=Stop("super-class", 1),
        )
    report = train(options, out, resume=True)
    assert [(change.phase, change.epoch) for change in report.data_changes] == [("dense", 2)]


def test_an_unreadable_image_is_not_let_pass(interrupted) -> None:
    options, out, folder = interrupted
    (folder / "val" / "red" / "2.png").write_bytes(b"broken")
    with raises(InputError, "resume.data-changed", found="1 changed (val/red/2.png)") as caught:
        train(options, out, resume=True)
    assert "1 cannot be read (val/red/2.png)" in str(caught.value)
    with raises(ImageError, "image.invalid", image="val/red/2.png", found=1):
        train(options, out, resume=True, accept_changed_data=True)


def test_other_classes_are_refused_whatever_is_accepted(interrupted) -> None:
    from dataclasses import replace

    options, out, folder = interrupted
    for part in ("train", "val"):
        (folder / part / "red").rename(folder / part / "crimson")
    for accept in (False, True):
        with pytest.raises(InputError, check=lambda error: error.code == "resume.mismatch"):
            train(options, out, resume=True, accept_changed_data=accept)
    for part in ("train", "val"):
        shutil.copytree(folder / part / "crimson", folder / part / "red")
    wider = replace(options, config=replace(options.config, num_classes=4))
    with raises(InputError, "resume.mismatch", name="classes") as caught:
        train(wider, out, resume=True, accept_changed_data=True)
    added = set(caught.value.fields["found"]) - set(caught.value.fields["expected"])
    assert added == {"crimson"}


def test_a_class_with_nothing_held_out_any_more_is_refused(interrupted) -> None:
    options, out, folder = interrupted
    for path, split in _splits(out).items():
        if split == "held_out" and "/red/" in path:
            (folder / path).unlink()
    with pytest.raises(
        InputError,
        check=lambda error: (error.code, error.fields["name"]) == ("data.invalid", "red"),
    ):
        train(options, out, resume=True, accept_changed_data=True)


def test_super_classes_stay_when_the_held_out_images_change(image_folder, tmp_path: Path) -> None:
    options, out = _options(image_folder), tmp_path / "run"
    with pytest.raises(KeyboardInterrupt):
        train(options, out, progress=Stop("super-class", 1))
    path = out / "state" / "super-classes.json"
    found = json.loads(path.read_text())["super-class"]
    other = [1 - owner for owner in found]
    path.write_text(json.dumps({"super-class": other}))
    report = train(options, out, resume=True)
    classes = report.routings[0].super_classes
    assert [next(e for e in (0, 1) if name in classes[e]) for name in report.classes] == other


def test_accepting_goes_with_resuming(image_folder: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError, check=lambda error: error.code == "input.option"):
        train(_options(image_folder), tmp_path / "run", accept_changed_data=True)


def test_a_damaged_list_of_images_is_named(interrupted) -> None:
    options, out, _ = interrupted
    (out / "images.jsonl").write_text("{")
    with pytest.raises(InputError, check=lambda error: error.code == "resume.damaged"):
        train(options, out, resume=True, accept_changed_data=True)

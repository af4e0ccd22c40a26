"""What a run refuses before its first epoch, because it would fail it after its last one."""

import importlib.util
import shutil
from pathlib import Path
from types import SimpleNamespace

import pytest
from expected_errors import raises
from PIL import Image

from mvmoe_deploy.errors import ImageError, InputError, MissingExtraError, OutputError
from mvmoe_deploy.models.families.mobile_vmoe import MobileVMoEConfig
from mvmoe_deploy.routing.given import Given
from mvmoe_deploy.training import RichProgress, Silent, TrainOptions, requirements, survey, train
from mvmoe_deploy.training.footprint import run_bytes

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


class NotBegun(Silent):
    """Fails the test when a phase begins; counts images that were checked."""

    looked_at = 0

    def checked(self, count: int) -> None:
        self.looked_at += count

    def phase(self, name: str, epochs: int, done: int) -> None:
        pytest.fail(f"phase {name} began")


def _options(folder: Path, **changes: object) -> TrainOptions:
    recipe = {"dense_epochs": 2, "moe_epochs": 1, "batch_size": 8, "threads": 1}
    return TrainOptions(**{"config": CONFIG, "data": str(folder), **recipe, **changes})


def _cut_off(path: Path) -> None:
    """A JPEG whose header is whole and whose pixels are not."""
    Image.linear_gradient("L").convert("RGB").save(path, "JPEG")
    path.write_bytes(path.read_bytes()[:-200])


def test_every_unreadable_image_is_known_before_the_first_epoch(
    image_folder: Path, tmp_path: Path
) -> None:
    _cut_off(image_folder / "val" / "red" / "2.png")
    for number in range(3):
        (image_folder / "train" / "blue" / f"{number}.png").write_bytes(b"no image")
    progress = NotBegun()
    with raises(ImageError, "image.invalid", image="train/blue/0.png", found=4) as caught:
        train(_options(image_folder), tmp_path / "run", progress=progress)
    assert "(train/blue/0.png, train/blue/1.png, train/blue/2.png and 1 more)" in str(caught.value)
    assert progress.looked_at == 39
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize("processes", [1, 2])
def test_one_cut_off_test_image_is_known_before_the_first_epoch(
    image_folder: Path, tmp_path: Path, processes: int
) -> None:
    _cut_off(image_folder / "val" / "red" / "2.png")
    options = _options(image_folder, devices=processes, accelerator="cpu")
    with raises(ImageError, "image.invalid", image="val/red/2.png", found=1):
        train(options, tmp_path / "run", progress=NotBegun())
    assert not (tmp_path / "run").exists()


def test_of_many_images_only_those_of_later_epochs_are_decoded(
    image_folder: Path, tmp_path: Path, monkeypatch
) -> None:
    decoded: list[Path] = []

    def note(tasks, threads, step):
        decoded.extend(task.path for task in tasks if task.decode)
        raise InputError("enough", name="enough")

    monkeypatch.setattr(survey, "_ALL_DECODED", 38)
    monkeypatch.setattr(survey, "screen_all", note)
    with raises(InputError, "input.invalid", name="enough"):
        train(_options(image_folder), tmp_path / "run", progress=NotBegun())
    # 27 of 30 are learnt from, in batches of 8: the first epoch leaves 3 of them out.
    parts = [path.parent.parent.name for path in decoded]
    assert (parts.count("train"), parts.count("val")) == (3 + 3, 9)


def test_a_terminal_sees_a_bar_of_images(monkeypatch, capsys) -> None:
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("COLUMNS", "100")
    with RichProgress() as progress:
        progress.images(39)
        progress.checked(39)
    shown = capsys.readouterr().err
    assert "images" in shown
    assert "39/39" in shown


def test_too_little_room_for_checkpoints_is_known(
    image_folder: Path, tmp_path: Path, monkeypatch
) -> None:
    options = _options(image_folder, routings=("super-class", "random"), ema=0.9)
    needed = run_bytes(options)
    monkeypatch.setattr(
        shutil, "disk_usage", lambda _: SimpleNamespace(total=10**12, free=needed - 1)
    )
    with raises(OutputError, "output.no-space", path=str(tmp_path / "run"), found=needed - 1):
        train(options, tmp_path / "run", progress=NotBegun())
    assert not (tmp_path / "run").exists()


def test_a_run_takes_no_more_room_than_was_said(image_folder: Path, tmp_path: Path) -> None:
    class Measure(Silent):
        most = 0

        def epoch(self, record: dict) -> None:
            written = (path for path in (tmp_path / "run").rglob("*") if path.is_file())
            self.most = max(self.most, sum(path.stat().st_size for path in written))

    options = _options(image_folder, routings=("super-class", "random"), ema=0.9)
    progress = Measure()
    train(options, tmp_path / "run", progress=progress)
    tensors = run_bytes(options) - 1_000_000
    assert 0.5 * tensors < progress.most < run_bytes(options)


@pytest.mark.parametrize("package", ["networkx", "matplotlib"])
def test_what_only_the_end_needs_is_missed_at_the_start(
    image_folder: Path, tmp_path: Path, monkeypatch, package: str
) -> None:
    real = importlib.util.find_spec
    monkeypatch.setattr(
        requirements, "find_spec", lambda name: None if name == package else real(name)
    )
    with raises(MissingExtraError, "extra.missing", extra="train") as caught:
        train(_options(image_folder), tmp_path / "run", progress=NotBegun())
    assert caught.value.fields["what"].startswith(f"{package}, ")
    assert not (tmp_path / "run").exists()


def test_a_directory_that_was_there_stays_when_a_run_does_not_begin(
    image_folder: Path, tmp_path: Path
) -> None:
    (tmp_path / "run").mkdir()
    _cut_off(image_folder / "val" / "red" / "2.png")
    with raises(ImageError, "image.invalid", image="val/red/2.png", found=1):
        train(_options(image_folder), tmp_path / "run")
    assert list((tmp_path / "run").iterdir()) == []


def test_a_stage_that_only_its_caller_routes_is_known_before_the_first_epoch(
    image_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    by_caller = Given(experts=2, named={"depth": (0,)})
    routing = property(lambda _: (by_caller,))
    monkeypatch.setattr(MobileVMoEConfig, "routing", routing)
    with raises(InputError, "model.config-invalid", name="routing"):
        train(_options(image_folder), tmp_path / "run", progress=NotBegun())
    assert not (tmp_path / "run").exists()

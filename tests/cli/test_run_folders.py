"""`mvmoe run` on folders of classes: accuracy, the best classes, CSV, and images that fail."""

import csv
import json

import numpy as np
import pytest
from PIL import Image

from mvmoe_deploy import cli


@pytest.fixture(scope="module")
def bundle(tmp_path_factory):
    """A model of three classes that have names."""
    from mvmoe_deploy.models import Checkpoint, build, save_checkpoint
    from mvmoe_deploy.models.presets import preset, with_fields

    root = tmp_path_factory.mktemp("labelled")
    config = with_fields(
        preset("digits"), width=16, depth=2, heads=2, experts=2, moe_layers=1, num_classes=3
    )
    labels = ["blue", "green", "red"]
    save_checkpoint(Checkpoint(build(config, seed=1), labels=labels), root / "ck")
    with pytest.raises(SystemExit) as ended:
        cli.main(["export", str(root / "ck"), "-o", str(root / "b"), "--skip-verify"])
    assert ended.value.code == 0
    return root / "b"


@pytest.fixture
def folders(tmp_path):
    rng = np.random.default_rng(0)
    for name in ("red", "blue"):
        (tmp_path / "images" / name).mkdir(parents=True)
        for number in range(3):
            pixels = rng.integers(0, 256, (12, 12, 3), dtype=np.uint8)
            Image.fromarray(pixels).save(tmp_path / "images" / name / f"{number}.png")
    return tmp_path / "images"


def test_folders_of_classes_give_an_accuracy(mvmoe, bundle, folders):
    code, out, _ = mvmoe("run", bundle, folders, "--top", "3", "--json")
    data = json.loads(out)
    assert code == 0
    assert [one["expected"] for one in data["results"]] == ["blue"] * 3 + ["red"] * 3
    right = sum(one["expected"] == one["label"] for one in data["results"])
    found = data["accuracy"]
    assert (found["measure"], found["images"], found["right"]) == ("top-1", 6, right)
    assert found["accuracy"] == right / 6
    assert (found["top"], found["in_top"]) == (3, 6)
    assert [(one["label"], one["images"]) for one in found["classes"]] == [("blue", 3), ("red", 3)]
    for one in data["results"]:
        assert sorted(best["label"] for best in one["top"]) == ["blue", "green", "red"]
        assert one["top"][0]["label"] == one["label"]
        assert sum(best["probability"] for best in one["top"]) == pytest.approx(1)
    code, out, _ = mvmoe("run", bundle, folders, "--top", "2")
    assert f"{right} of 6 images in folders of their class" in out and "top-2: " in out


def test_the_validation_images_of_a_training_folder_are_taken(mvmoe, bundle, folders):
    (folders.parent / "all" / "train").mkdir(parents=True)
    folders.rename(folders.parent / "all" / "val")
    code, out, _ = mvmoe("run", bundle, folders.parent / "all", "--json")
    assert code == 0 and json.loads(out)["accuracy"]["images"] == 6


def test_folders_of_something_else_are_answered_without_an_accuracy(mvmoe, bundle, folders):
    (folders / "red").rename(folders / "monday")
    code, out, err = mvmoe("run", bundle, folders, "--json")
    data = json.loads(out)
    assert (code, data["accuracy"], len(data["results"])) == (0, None, 6)
    assert "'monday' is none of its labels" in err


def test_an_image_that_fails_is_told_on_stderr_and_the_others_are_answered(
    mvmoe, bundle, folders, tmp_path
):
    broken = folders / "red" / "1.png"
    broken.write_bytes(broken.read_bytes()[:60])
    file = tmp_path / "answers.csv"
    code, out, err = mvmoe("run", bundle, folders, "--csv", file, "--top", "2")
    assert code == 2
    assert err.startswith(f"error: image {broken}") and len(err.splitlines()) == 1
    assert "1 of 6 images have no answer" in out
    rows = list(csv.DictReader(file.open()))
    assert list(rows[0]) == [
        "image", "expected", "label", "probability", "label_2", "probability_2", "route", "gates",
        "last_stage", "ms", "error",
    ]  # fmt: skip
    assert [bool(row["error"]) for row in rows] == [False] * 4 + [True, False]
    assert rows[4]["image"] == str(broken) and rows[4]["label"] == ""
    assert {row["expected"] for row in rows if not row["error"]} == {"blue", "red"}
    assert all(float(row["probability"]) >= float(row["probability_2"]) for row in rows[:4])


def test_a_csv_file_replaces_only_one_of_its_own(mvmoe, bundle, folders, tmp_path):
    file = tmp_path / "answers.csv"
    words = ("run", bundle, folders, "--csv", file, "--json")
    assert mvmoe(*words)[0] == 0
    code, out, _ = mvmoe(*words)
    assert (code, json.loads(out)["error"]["code"]) == (2, "output.exists")
    assert mvmoe(*words, "--force")[0] == 0
    file.write_text("name,age\n")
    code, out, _ = mvmoe(*words, "--force")
    assert (code, json.loads(out)["error"]["code"]) == (2, "output.foreign")
    assert file.read_text() == "name,age\n"

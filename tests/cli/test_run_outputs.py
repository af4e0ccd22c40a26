"""`mvmoe run` shows each output by its kind, as tables, as JSON and as pictures."""

import json

import numpy as np
import pytest
import torch
from many_outputs import CLASSES, ManyOutputs, many_outputs
from PIL import Image

from mvmoe_deploy import Dispatcher
from mvmoe_deploy.cli import main
from mvmoe_export import export_bundle

PICTURES = ("boxes", "depth", "mask")


@pytest.fixture(scope="module")
def bundle(tmp_path_factory):
    """A bundle with an output of every kind."""
    path = tmp_path_factory.mktemp("many") / "many.mvmoe"
    export_bundle(many_outputs(), path)
    return path


@pytest.fixture
def photographs(tmp_path):
    """Two photographs of different sizes."""
    folder = tmp_path / "photographs"
    folder.mkdir()
    for name, size in (("a.png", (60, 40)), ("b.png", (30, 50))):
        pixels = np.random.default_rng(size[0]).integers(0, 255, (size[1], size[0], 3), np.uint8)
        Image.fromarray(pixels).save(folder / name)
    return folder


@pytest.fixture
def run(bundle, capsys):
    """Runs `mvmoe run` on the bundle; gives its exit code, and what it prints."""

    def run(*arguments):
        capsys.readouterr()
        with pytest.raises(SystemExit) as ended:
            main(["run", str(bundle), *map(str, arguments)])
        return ended.value.code, *capsys.readouterr()

    return run


def test_each_output_is_in_the_json_by_its_kind(run, bundle, photographs):
    code, out, _ = run(photographs, "--json")
    first, second = json.loads(out)["results"]
    assert code == 0
    with Dispatcher.open(bundle) as dispatcher:
        prediction = dispatcher.predict(photographs / "a.png")
    assert {name: found["kind"] for name, found in first["outputs"].items()} == {
        "boxes": "boxes",
        "mask": "mask",
        "depth": "map",
        "vector": "embedding",
        "answer": "logits",
    }
    assert first["outputs"]["answer"]["value"]["best"][0]["label"] == first["label"]
    assert first["outputs"]["vector"]["value"]["shape"] == [12]
    boxes = first["outputs"]["boxes"]["value"]["boxes"]
    assert boxes and all(box["index"] < CLASSES for box in boxes)
    # The input is the middle square of 60 x 40: its left edge is at column 10.
    given = prediction.outputs["boxes"]
    best = given[given[:, 4:].max(axis=1).argmax(), :4] * 40 / 16 + [10, 0, 10, 0]
    assert boxes[0]["box"] == pytest.approx(np.clip(best, 0, [60, 40, 60, 40]).tolist(), abs=1e-3)
    assert first["pictures"] == second["pictures"] == {}


def test_people_see_a_table_of_each_output(run, photographs):
    code, out, _ = run(photographs)
    assert code == 0
    for name in ("a.png", "b.png"):
        titles = [line.partition(": ")[2] for line in out.splitlines() if f"{name}: " in line]
        assert titles == ["boxes (boxes)", "mask (mask)", "depth (map)", "vector (embedding)"]
    assert "probability" in out.splitlines()[0]


def test_pictures_are_written_for_what_has_one(run, photographs, tmp_path):
    folder = tmp_path / "pictures"
    code, out, _ = run(photographs, "--pictures", folder, "--json")
    assert code == 0
    names = [f"{stem}.{output}.png" for stem in "ab" for output in PICTURES]
    assert sorted(path.name for path in folder.iterdir()) == names
    for result in json.loads(out)["results"]:
        assert sorted(result["pictures"]) == list(PICTURES)
        photograph = Image.open(result["image"])
        for output, file in result["pictures"].items():
            size = Image.open(file).size
            assert size == (photograph.size if output != "depth" else (8, 8))


def test_earlier_pictures_are_replaced_by_force_and_nothing_else_is(run, photographs, tmp_path):
    folder = tmp_path / "pictures"
    assert run(photographs, "--pictures", folder)[0] == 0
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    code, out, err = run(photographs / "a.png", "--pictures", folder)
    assert (code, out) == (2, "")
    assert "exists already" in err
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before
    assert run(photographs / "a.png", "--pictures", folder, "--force")[0] == 0
    assert len(list(folder.iterdir())) == len(PICTURES)
    (folder / "mine.png").write_bytes((photographs / "a.png").read_bytes())
    code, _, err = run(photographs, "--pictures", folder, "--force")
    assert code == 2
    assert "mine.png" in err


def test_pictures_may_not_replace_the_images_or_lie_in_the_bundle(run, bundle, photographs):
    for folder in (photographs, bundle / "pictures"):
        code, _, err = run(photographs, "--pictures", folder, "--force")
        assert code == 2, err
    assert not (bundle / "pictures").exists()


def test_images_of_one_name_have_pictures_of_their_own(run, photographs, tmp_path):
    other = tmp_path / "other"
    other.mkdir()
    (photographs / "b.png").rename(other / "A.png")
    folder = tmp_path / "pictures"
    run(photographs / "a.png", other / "A.png", "--pictures", folder)
    assert sorted(path.name for path in folder.iterdir()) == [
        f"{stem}.{output}.png" for stem in ("1-a", "2-A") for output in PICTURES
    ]


def test_an_image_that_fails_has_no_picture_and_the_others_have(run, photographs, tmp_path):
    (photographs / "b.png").write_text("no image")
    folder = tmp_path / "pictures"
    code, out, _ = run(photographs, "--pictures", folder, "--json")
    assert code == 2
    assert "error" in json.loads(out)["results"][1]
    assert sorted(path.name for path in folder.iterdir()) == [f"a.{name}.png" for name in PICTURES]


class Directions(ManyOutputs):
    """A model that gives an embedding alone."""

    def __init__(self):
        super().__init__()
        self.outputs = {"vector": "embedding"}


@pytest.fixture(scope="module")
def directions(tmp_path_factory):
    """Its bundle."""
    torch.manual_seed(0)
    path = tmp_path_factory.mktemp("directions") / "directions.mvmoe"
    export_bundle(Directions().eval(), path)
    return path


def test_a_model_that_does_not_classify_has_no_label(directions, photographs, capsys):
    command = ["run", str(directions), str(photographs)]
    with pytest.raises(SystemExit):
        main([*command, "--json"])
    first, _ = json.loads(capsys.readouterr().out)["results"]
    assert (first["label"], first["label_index"], first["probability"]) == (None,) * 3
    assert first["outputs"].keys() == {"vector"}
    with pytest.raises(SystemExit):
        main(command)
    assert capsys.readouterr().out.split()[:4] == ["image", "route", "gates", "ms"]


def test_pictures_of_a_model_that_has_none_are_refused(directions, photographs, capsys, tmp_path):
    with pytest.raises(SystemExit) as ended:
        main(["run", str(directions), str(photographs), "--pictures", str(tmp_path / "none")])
    assert ended.value.code == 2
    assert "the model gives vector (embedding)" in capsys.readouterr().err
    assert not (tmp_path / "none").exists()

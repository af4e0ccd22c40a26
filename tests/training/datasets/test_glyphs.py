"""The glyphs: the same for everybody, of letters that faces have and no other script shows."""

import itertools
from collections import Counter

import numpy as np
import pytest
from fontTools.ttLib import TTFont
from PIL import Image, ImageDraw, ImageFont

from mvmoe_deploy.errors import InputError, MissingExtraError
from mvmoe_deploy.models import preset
from mvmoe_deploy.training import suited_preset
from mvmoe_deploy.training.data import class_names
from mvmoe_deploy.training.datasets import find_data_set, glyphs
from mvmoe_deploy.training.datasets.contract import GroupedClasses
from mvmoe_deploy.training.datasets.glyphs import PART, SCRIPTS, font_folder

FACES = sorted({face for script in SCRIPTS for face in script.faces})
THE_SAME = 0.96
"""The overlap of outlines from which letters of two scripts would be called the same."""


def drawn(part: str, each: int = 2) -> tuple[np.ndarray, np.ndarray]:
    """Some images, made now and not taken from the cache."""
    images, labels = glyphs._drawn.__wrapped__(part, each)
    return images, labels


def test_the_images_follow_from_their_seed():
    (images, labels), (again, labels_again) = drawn("test"), drawn("test")
    assert images.shape == (192, 28, 28) and images.dtype == np.uint8
    assert labels.dtype == np.int64 and set(Counter(labels.tolist()).values()) == {2}
    assert np.array_equal(images, again) and np.array_equal(labels, labels_again)
    for part in ("train", "held-out"):
        others, _ = drawn(part)
        assert not {image.tobytes() for image in images} & {image.tobytes() for image in others}
    # Neighbours are of any class.
    assert np.any(np.diff(labels) < 0)


def test_every_letter_is_on_its_image():
    images, _ = drawn("held-out", 1)
    # The brightest pixels are ink: at least 90 levels above the paper, less the noise.
    spans = [np.percentile(image, 99) - np.median(image) for image in images]
    assert min(spans) > 25 and np.median(spans) > 80


def test_classes_are_letters_of_scripts_which_are_their_groups():
    assert isinstance(PART, GroupedClasses)
    assert PART.classes == class_names("glyphs") and len(set(PART.classes)) == 96
    assert [name.split()[0] for name in PART.classes] == list(PART.groups)
    assert set(Counter(PART.groups).values()) == {12} and len(SCRIPTS) == 8
    assert PART.at(font_folder()) is None
    assert find_data_set("glyphs") is PART


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda script: script.name)
def test_faces_have_the_letters_of_their_scripts(script):
    for face in script.faces:
        letters = TTFont(font_folder() / f"{face}.ttf").getBestCmap()
        assert set(map(ord, script.letters)) <= letters.keys(), face


@pytest.mark.parametrize("face", FACES)
def test_no_letter_looks_the_same_in_two_scripts(face):
    outlines = [
        (script.name, letter, _outline(letter, face))
        for script in SCRIPTS
        if face in script.faces
        for letter in script.letters
    ]
    for (one, first, outline), (other, second, beside) in itertools.combinations(outlines, 2):
        if one != other:
            assert _overlap(outline, beside) < THE_SAME, (first, second)


def test_a_latin_and_a_greek_a_would_be_the_same():
    alpha = "\N{GREEK CAPITAL LETTER ALPHA}"
    assert _overlap(_outline("A", "DejaVuSans"), _outline(alpha, "DejaVuSans")) > THE_SAME


def test_the_input_has_the_statistics_of_the_images():
    images, _ = drawn("train", 20)
    config = preset(suited_preset("glyphs"))
    suited = PART.suited_input(config)
    # A tenth of the images: their mean is within some hundredths of that of all.
    assert suited["mean"][0] == pytest.approx(images.mean() / 255, abs=0.01)
    assert suited["std"][0] == pytest.approx(images.std() / 255, abs=0.01)


def test_what_is_missing_is_named(monkeypatch):
    with pytest.raises(InputError) as refused:
        PART.split("all")
    assert "train, held-out, test" in str(refused.value)
    monkeypatch.setattr(glyphs.importlib.util, "find_spec", lambda name: None)
    with pytest.raises(MissingExtraError) as missing:
        font_folder()
    assert missing.value.fields["extra"] == "train"


def _outline(letter: str, face: str) -> np.ndarray:
    """A letter scaled to a box of 32 x 32 pixels, its proportions kept."""
    path = str(font_folder() / f"{face}.ttf")
    font = ImageFont.truetype(path, 64, layout_engine=ImageFont.Layout.BASIC)
    canvas = Image.new("L", (200, 200))
    ImageDraw.Draw(canvas).text((60, 60), letter, fill=255, font=font)
    shape = canvas.crop(canvas.getbbox())
    side = max(shape.size)
    square = Image.new("L", (side, side))
    square.paste(shape, ((side - shape.width) // 2, (side - shape.height) // 2))
    return np.asarray(square.resize((32, 32)), dtype=float) / 255


def _overlap(one: np.ndarray, other: np.ndarray) -> float:
    """Dice's coefficient of two outlines: 1 for the same."""
    return float(2 * (one * other).sum() / ((one * one).sum() + (other * other).sum()))

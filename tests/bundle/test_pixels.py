"""What a manifest may say of an input that takes pixels."""

import json

import pytest

from mvmoe_deploy.bundle.read import parse_manifest
from mvmoe_deploy.errors import BundleError

PIXELS = {"channel_order": "L", "scale": [0.02], "bias": [-2.0]}


def read(plain, change=lambda manifest: None, **pixels):
    manifest = plain()
    stem = manifest["targets"]["onnx"]["graphs"][0]
    stem["inputs"][0]["pixels"] = PIXELS | pixels
    change(manifest)
    return parse_manifest(json.dumps(manifest).encode(), "the bundle")


def test_the_image_of_the_stem_may_be_pixels(plain):
    stem = read(plain).targets["onnx"].graphs[0]
    assert stem.inputs[0].pixels.scale == (0.02,)


def gates_too(manifest):
    step = manifest["targets"]["onnx"]["graphs"][1]
    step["inputs"][1]["pixels"] = PIXELS


def tokens_too(manifest):
    stem = manifest["targets"]["onnx"]["graphs"][0]
    stem["outputs"][0]["pixels"] = PIXELS


def batch(manifest):
    target = manifest["targets"]["onnx"]
    target["batch"] = 2
    for graph in target["graphs"]:
        for tensor in (*graph["inputs"], *graph["outputs"]):
            tensor["shape"][0] = 2


def blue_first(manifest):
    manifest["input"] |= {"channel_order": "RGB", "mean": [0.5] * 3, "std": [0.25] * 3}
    stem = manifest["targets"]["onnx"]["graphs"][0]["inputs"][0]
    stem["shape"][1] = 3
    three = {name: PIXELS[name] * 3 for name in ("scale", "bias")}
    stem["pixels"] = {"channel_order": "BGR", **three}


@pytest.mark.parametrize(
    ("change", "pixels", "words"),
    [
        (gates_too, {}, "has gates as pixels, which only the image"),
        (tokens_too, {}, "has tokens as pixels, which only the image"),
        (None, {"channel_order": "RGB"}, "which only the image of the stem can be"),
        (None, {"scale": [0.0]}, "not above zero"),
        (None, {"scale": [-1.0]}, "not above zero"),
        (None, {"scale": [1.0, 1.0]}, "2 scales and 1 biases for 1 channels"),
        (None, {"bias": [1.0, 1.0, 1.0]}, "1 scales and 3 biases"),
        (None, {"scale": []}, "scale"),
        (None, {"scale": [1e7]}, "scale"),
        (None, {"extra": 1}, "extra"),
        (batch, {}, "pixels L of batch 2"),
        (blue_first, {}, "pixels BGR of batch 1; the model takes RGB"),
    ],
)  # fmt: skip
def test_other_pixels_are_refused_in_one_sentence(plain, change, pixels, words):
    with pytest.raises(BundleError) as raised:
        read(plain, change or (lambda manifest: None), **pixels)
    assert words in str(raised.value)
    assert "\n" not in str(raised.value)

"""What `mvmoe inspect` says of compressed targets: layers, calibration, and what is lost."""

import io
from types import SimpleNamespace

import pytest
from rich.console import Console

from mvmoe_deploy.bundle.manifest import Calibration, Compression, LeftLayer, VerifiedAccuracy
from mvmoe_deploy.bundle.precisions import PrecisionRow
from mvmoe_deploy.cli.precision_view import precision_lines, precision_rows


def left(count):
    return tuple(
        LeftLayer(graph="stem", operator="linear", layer=f"layer{n}", reason=f"because {n}")
        for n in range(count)
    )


def compression(**fields):
    given = {"layers": 48, "left": (), "plain_bytes": 2000} | fields
    return Compression(weights="int8", activations="dynamic-int8", **given)


def lines(record, distinct=540, accuracy=None):
    sizes = None if distinct is None else SimpleNamespace(distinct=distinct)
    parity = SimpleNamespace(verification=SimpleNamespace(accuracy=accuracy))
    target = SimpleNamespace(precision="int8", compression=record, sizes=sizes, parity=parity)
    return list(precision_lines(target))


@pytest.mark.parametrize(
    ("count", "text"),
    [
        (0, "none left"),
        (1, "1 left (layer0: because 0)"),
        (3, "3 left (layer0: because 0; layer1: because 1; layer2: because 2)"),
        (
            5,
            "5 left (layer0: because 0; layer1: because 1; layer2: because 2; and 2 more (all are "
            "in --json))",
        ),
    ],
)
def test_layers_that_were_left_are_named_with_reasons(count, text):
    assert lines(compression(left=left(count))) == [
        "int8: layers store int8 and compute in dynamic-int8: 0.27 of the bytes, 48 layers, " + text
    ]


def test_without_sizes_there_is_no_share_and_smoothing_is_told():
    assert lines(compression(smoothed=1, layers=1), distinct=None) == [
        "int8: layers store int8 and compute in dynamic-int8: 1 layer, none left, outliers of 1 "
        "normalization moved"
    ]


@pytest.mark.parametrize(
    ("forced", "text"),
    [
        (((0, 0),), "calibrated on 512 images"),
        (((0, 0), (0, 6)), "calibrated on 512 images; expert 1 of stage 2 was sent 6 more"),
        (
            ((1, 2, 3, 4, 5, 6),),
            "calibrated on 512 images; expert 0 of stage 1 was sent 1 more; expert 1 of stage 1 "
            "was sent 2 more; expert 2 of stage 1 was sent 3 more; expert 3 of stage 1 was sent 4 "
            "more; and 2 more experts",
        ),
    ],
)
def test_calibration(forced, text):
    routed = tuple((8,) * len(row) for row in forced)
    known = Calibration(images=512, sha256="0" * 64, routed=routed, forced=forced)
    assert lines(compression(calibration=known))[1] == text


def test_right_answers_are_points_with_an_interval():
    known = VerifiedAccuracy(
        images=100, reference=0.8667, target=0.867, least_loss=-0.0121, most_loss=0.0114
    )
    assert lines(None, accuracy=known) == [
        "accuracy: 86.70%, PyTorch 86.67%: a loss of -0.03 points (95% interval -1.21 to 1.14)"
    ]


def row(target, **fields):
    given = {
        "format": "onnx", "precision": "int8", "weight_bytes": 540_000, "baseline": "onnx",
        "baseline_precision": "fp32", "share_of_bytes": 0.27, "routing_agreement": 0.998,
        "agreement": 0.97, "within_bounds": True, "labelled_images": 100, "loss": 0.00123,
        "least_loss": -0.01, "most_loss": 0.02,
    } | fields  # fmt: skip
    return PrecisionRow(target=target, **given)


def test_the_table_has_bytes_agreement_and_loss():
    out = io.StringIO()
    unknown = row("b", routing_agreement=None, agreement=None, within_bounds=None, loss=None,
                  least_loss=None, most_loss=None)  # fmt: skip
    Console(file=out, width=200).print(precision_rows([row("a"), unknown]))
    head, first, second = out.getvalue().splitlines()
    assert " ".join(head.split()) == (
        "target precision weights of fp32 same route agreement loss in points 95% interval"
    )
    assert first.split() == [
        "a", "int8", "0.54", "MB", "0.27", "99.80%", "97.00%", "0.12", "-1.00", "to", "2.00",
    ]  # fmt: skip
    assert second.split() == ["b", "int8", "0.54", "MB", "0.27", "-", "-", "-", "-"]

"""The rows of precisions: who is compared with whom, bytes, losses, and which one may ship."""

import msgspec
import pytest

from mvmoe_deploy.bundle.manifest import Bounds, Verification, VerifiedAccuracy, VerifiedOutput
from mvmoe_deploy.bundle.precisions import PrecisionSource, by_format, precision_rows, smallest


def output(agreement):
    return VerifiedOutput(
        kind="logits", measure="top-1 agreement", agreement=agreement, max_abs_error=0.1,
        max_rel_error=0.1, rms_error=0.1, psnr_db=40.0,
    )  # fmt: skip


def verification(loss=None, agreements=(1.0,), **fields):
    known = None
    if loss is not None:
        known = VerifiedAccuracy(
            images=512, reference=0.9, target=0.9 - loss, least_loss=loss - 0.01,
            most_loss=loss + 0.02,
        )  # fmt: skip
    given = {
        "images": 200, "routing_agreement": 1.0, "router_error": 0.1, "router_error_bound": 0.2,
        "answer_error": 0.1, "answer_error_bound": 0.2, "near_ties": 0, "forced_routes": 0,
    } | fields  # fmt: skip
    named = {f"output {number}": output(share) for number, share in enumerate(agreements)}
    return Verification(outputs=named, accuracy=known, **given)


def source(target, precision, weights, plain=None, **fields):
    given = {
        "format": "onnx", "strategy": "dispatch", "bounds": Bounds(routing_agreement=0.99),
        "options": {"profile": "cpu", "precision": precision}, "verification": verification(),
    } | fields  # fmt: skip
    return PrecisionSource(
        target=target, precision=precision, weight_bytes=weights, uncompressed_bytes=plain, **given
    )


def test_bytes_are_over_those_of_the_uncompressed_target_of_the_format():
    rows = precision_rows(
        [source("a", "full", 1000), source("b", "half", 500), source("c", "small", 270, 1000)]
    )
    assert [(row.target, row.baseline, row.baseline_precision) for row in rows] == [
        ("a", "a", "full"), ("b", "a", "full"), ("c", "a", "full"),
    ]  # fmt: skip
    assert [row.share_of_bytes for row in rows] == [1.0, 0.5, 0.27]


def test_a_target_that_differs_in_its_precision_alone_is_the_baseline():
    other = {"profile": "nnapi", "precision": "full"}
    rows = precision_rows(
        [
            source("large", "full", 9000, options=other),
            source("alike", "full", 1000),
            source("small", "small", 250, 1000),
        ]
    )
    assert rows[2].baseline == "alike"
    assert rows[2].share_of_bytes == 0.25


def test_without_an_uncompressed_target_the_bytes_are_over_what_they_would_be():
    rows = precision_rows([source("a", "small", 250, 1000), source("b", "tiny", 130, 1000)])
    assert [(row.baseline, row.share_of_bytes) for row in rows] == [(None, 0.25), (None, 0.13)]


def test_only_formats_with_several_precisions_have_rows():
    rows = precision_rows(
        [
            source("onnx", "full", 1000),
            source("onnx-nnapi", "full", 1000),
            source("coreml", "full", 1000, format="coreml"),
            source("coreml-small", "small", 100, 1000, format="coreml"),
        ]
    )
    assert [row.target for row in rows] == ["coreml", "coreml-small"]
    assert [len(of) for of in by_format(rows)] == [2]


def test_figures_of_the_verification():
    found = verification(0.004, agreements=(1.0, 0.97, None), routing_agreement=0.995)
    _, row = precision_rows(
        [source("a", "full", 1000), source("b", "small", 250, 1000, verification=found)]
    )
    assert (row.routing_agreement, row.agreement, row.labelled_images) == (0.995, 0.97, 512)
    assert row.loss == pytest.approx(0.004)
    assert (row.least_loss, row.most_loss) == (pytest.approx(-0.006), pytest.approx(0.024))


@pytest.mark.parametrize(
    ("changes", "within"),
    [
        ({}, True),
        ({"router_error": 0.21}, False),
        ({"answer_error": 0.21}, False),
        ({"routing_agreement": 0.99}, True),
        ({"routing_agreement": 0.985}, False),
        # One of the three images on another route is a near-tie.
        ({"routing_agreement": 0.985, "near_ties": 1}, True),
    ],
)
def test_bounds(changes, within):
    found = msgspec.structs.replace(verification(), **changes)
    _, row = precision_rows(
        [source("a", "full", 1000), source("b", "small", 250, 1000, verification=found)]
    )
    assert row.within_bounds is within


def chosen(*small):
    rows = precision_rows([source("full", "full", 1000), *small])
    row = smallest(rows)
    return row and row.target


def test_the_smallest_that_keeps_its_bounds_and_loses_little_is_chosen():
    def of(name, weights, **fields):
        return source(name, name, weights, 1000, verification=verification(**fields))

    assert chosen(of("b", 300), of("c", 200)) == "c"
    assert chosen(of("b", 300, loss=0.005), of("c", 200, loss=0.0051)) == "b"
    assert chosen(of("b", 300), of("c", 200, answer_error=0.3)) == "b"
    assert chosen(of("b", 300, loss=-0.01), source("c", "c", 200, 1000, verification=None)) == "b"
    assert chosen(of("b", 300, loss=0.02)) == "full"
    assert chosen(source("c", "c", None, 1000)) == "full"

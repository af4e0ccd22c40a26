"""Right answers: shares, intervals and losses of dense model, routed model and each target."""

import pytest

from mvmoe_bench.report.document import document
from mvmoe_bench.report.run_summary import summarize_run

ONNX, TORCH = "dispatcher:digits:onnx", "dispatcher:digits:executorch"


def grades(factory, key, wrong, images=100):
    """Answers to labelled images of ten classes; those to `wrong` ones are of the next class."""
    return [
        factory.answer(key, i, ((0,),), f"class {i % 10}", given=(i + (i in wrong)) % 10)
        for i in range(images)
    ]


@pytest.fixture
def run(factory):
    """Makes a run: ONNX answers 4 of 100 images wrongly, ExecuTorch 10, PyTorch 3, dense 6."""

    def make(lines=(), *, references=True, **fields):
        subjects = [factory.subject("dispatcher", target=x) for x in ("onnx", "executorch")]
        made = [*grades(factory, ONNX, range(4)), *grades(factory, TORCH, range(10))]
        made += factory.constant(ONNX, 2.0) + factory.constant(TORCH, 3.0)
        if references:
            made += [factory.reference("routed", range(3), 100)]
            made += [factory.reference("dense", range(90, 96), 100)]
        return factory.run(subjects, lines=[*made, *lines], **fields)

    return make


def test_every_model_has_its_share_interval_and_loss(run, shown):
    dense, routed, onnx, executorch = shown(run(), "accuracy").rows()
    assert [row["model"] for row in (dense, routed, onnx, executorch)] == [
        "dense model, PyTorch", "routed model, PyTorch", "dispatcher, onnx",
        "dispatcher, executorch",
    ]  # fmt: skip
    assert [row["right"] for row in (dense, routed, onnx, executorch)] == [
        "94.00%", "97.00%", "96.00%", "90.00%",
    ]  # fmt: skip
    # Clopper and Pearson for 96 of 100.
    assert onnx["right interval"] == "90.07 to 98.90%"
    assert [row["loss in points"] for row in (routed, onnx, executorch)] == ["-", "1.00", "7.00"]
    # One image only PyTorch answers rightly, none only the target: Wilson at 97.5% each.
    assert onnx["loss in points interval"] == "-4.64 to 6.54"
    assert {row["images"] for row in (dense, routed, onnx)} == {"100"}
    assert {row["measured by"] for row in (dense, routed, onnx)} == {"this run"}


def test_the_tile_and_the_advice_have_the_same_shares(run):
    made = document(summarize_run(run()))
    (tile,) = [tile for tile in made.tiles if tile.label == "right answers"]
    assert (tile.value, tile.note) == (
        "96.00%", "PyTorch 97.00%; dense model 94.00%; n = 100 images"
    )  # fmt: skip
    said = dict(made.recommendations)["Are its answers right?"]
    assert said == (
        "Perhaps not, it lost 1.00 points on few images: onnx answers 96.00% of 100 images right, "
        "PyTorch 97.00%, the dense model 94.00%."
    )


@pytest.mark.parametrize(
    ("wrong", "said"),
    [(3, "Yes, as right as"), (4, "Perhaps not, it lost"), (40, "No, it loses 37.00 points")],
)
def test_what_is_said_follows_the_loss(factory, wrong, said):
    lines = [*grades(factory, ONNX, range(wrong)), factory.reference("routed", range(3), 100)]
    lines += factory.constant(ONNX, 2.0)
    made = summarize_run(factory.run([factory.subject("dispatcher")], lines=lines))
    points = {point.topic: point.text for point in made.recommendations()}
    assert points["Are its answers right?"].startswith(said)


def test_without_references_nothing_is_said_of_a_loss(run):
    points = {p.topic: p.text for p in summarize_run(run(references=False)).recommendations()}
    assert points["Are its answers right?"] == (
        "As far as labels tell: onnx answers 96.00% of 100 images right."
    )


def test_a_target_that_answered_fewer_images_is_left_out(factory):
    subjects = [factory.subject("dispatcher", target=x) for x in ("onnx", "executorch")]
    lines = [*grades(factory, ONNX, ()), *grades(factory, TORCH, (), images=50)]
    (row,) = summarize_run(factory.run(subjects, lines=lines)).sections["accuracy"]
    assert row.subject == ONNX


def test_what_the_export_verified_is_said_where_the_run_has_no_labels(factory):
    record = factory.target()
    record["parity"]["verification"]["accuracy"] = {
        "images": 512, "reference": 0.9, "target": 0.88, "least_loss": 0.01, "most_loss": 0.03,
    }  # fmt: skip
    run = factory.run([factory.subject("dispatcher")], [factory.bundle(targets={"onnx": record})])
    routed, onnx = summarize_run(run).sections["accuracy"]
    assert (routed.who, routed.share, routed.images) == ("routed", 0.9, 512)
    assert (onnx.share, onnx.loss, onnx.of_run) == (0.88, pytest.approx(0.02), False)


def test_imposed_routes_and_images_without_labels_have_no_accuracy(factory):
    s = factory.subject("dispatcher")
    forced = factory.run([s], lines=grades(factory, ONNX, ()), inputs={"forced": True})
    without = factory.run([s], lines=[factory.answer(ONNX, 0, ((0,),))])
    for run in (forced, without):
        assert "accuracy" not in summarize_run(run).sections

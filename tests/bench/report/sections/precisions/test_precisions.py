"""Precisions side by side: bytes, times and losses in their columns, points, and what is said."""

import pytest

from mvmoe_bench.report.run_summary import summarize_run

PLAIN, SMALL, TINY = (f"dispatcher:digits:{name}" for name in ("onnx", "onnx-int8", "onnx-int4"))
DECIDED = {"images": 512, "reference": 0.8867, "least_loss": -0.011, "most_loss": 0.012}


def target(factory, precision, distinct, loss=None, **fields):
    """A target's record; with a loss it has labelled images."""
    record = factory.target() | {"precision": precision, "options": {"profile": "cpu"}}
    record["sizes"] = {**record["sizes"], "distinct": distinct}
    if precision != "fp32":
        record["compression"] = {"plain_bytes": 2_000_000}
    if loss is not None:
        record["parity"]["verification"]["accuracy"] = {**DECIDED, "target": 0.8867 - loss}
    return record | fields


@pytest.fixture
def run(factory):
    """Makes a run of three precisions that take so many milliseconds; None: not measured."""

    def make(times=(2.0, 1.0, 3.0), repeats=6, losses=(0.0, 0.0, 0.004), **changes):
        precisions = (("onnx", "fp32", 2_000_000), ("onnx-int8", "int8", 540_000),
                      ("onnx-int4", "int4", 340_000))  # fmt: skip
        records = {
            name: target(factory, precision, size, loss) | changes.get(precision, {})
            for (name, precision, size), loss in zip(precisions, losses, strict=True)
        }
        subjects = [factory.subject("dispatcher", target=name) for name in records]
        lines = [
            line
            for subject, ms in zip(subjects, times, strict=True)
            if ms is not None
            for line in factory.constant(subject.key, ms, repeats)
        ]
        return factory.run(subjects, [factory.bundle(targets=records)], lines)

    return make


def said(run):
    return {point.topic: point.text for point in summarize_run(run).headline()}.get("Precision")


def warned(run):
    return [text for text in summarize_run(run).warnings if "slower than" in text]


def test_the_table_has_bytes_time_and_accuracy(shown, run):
    plain, small, tiny = shown(run(), "precisions").rows()
    assert plain == {
        "target": "onnx", "precision": "fp32", "MB": "2.00", "of fp32": "1.00", "ms": "2.00",
        "ms interval": "2.00 to 2.00", "times as long as fp32": "-",
        "times as long as fp32 interval": "-", "same route": "100%", "agreement": "100%",
        "loss in points": "0.00", "loss in points interval": "-1.10 to 1.20",
        "labelled images": "512",
    }  # fmt: skip
    assert (small["MB"], small["of fp32"], small["ms"]) == ("0.540", "0.27", "1.00")
    assert small["times as long as fp32"] == "0.500"
    assert small["times as long as fp32 interval"] == "0.500 to 0.500"
    assert (tiny["of fp32"], tiny["times as long as fp32"]) == ("0.17", "1.50")
    assert tiny["loss in points"] == "0.40"


def test_ratios_are_of_the_same_round_with_the_bootstrap_of_the_report(factory, run):
    made = run()
    subjects = {subject.target: subject.key for subject in made.run.subjects}
    lines = []
    # Each repeat is as slow as it likes, and slows both alike; int8 takes 0.5 to 0.6 of fp32.
    for repeat, (luck, share) in enumerate(
        zip((1, 3, 2, 5, 4, 6), (5, 6, 5, 6, 5, 6), strict=True)
    ):
        for number in range(5):
            lines.append(factory.sample(subjects["onnx"], luck, repeat, number))
            lines.append(factory.sample(subjects["onnx-int8"], luck * share / 10, repeat, number))
    made = factory.run(made.run.subjects, made.run.bundles, lines)

    found = {figure.row.target: figure for figure in summarize_run(made).sections["precisions"]}

    ratio = found["onnx-int8"].ratio
    assert (ratio.value, ratio.low, ratio.high) == tuple(map(pytest.approx, (0.55, 0.5, 0.6)))
    assert (ratio.n, ratio.repeats, ratio.rough) == (30, 6, False)
    assert (found["onnx"].ratio, found["onnx-int4"].time_ms) == (None, None)


def test_targets_of_other_engines_are_no_baseline(factory, run):
    made = run()
    xnnpack = factory.choice(provider="XnnpackExecutionProvider")
    other = factory.subject("dispatcher", target="onnx-int8", key="x", requested=xnnpack)
    lines = [*made.lines, *factory.constant("x", 1.0)]
    made = factory.run([*made.run.subjects, other], made.run.bundles, lines)

    found = summarize_run(made).sections["precisions"]

    assert [(f.row.target, f.requested.provider, f.ratio is None) for f in found] == [
        ("onnx", "CPUExecutionProvider", True),
        ("onnx-int8", "CPUExecutionProvider", False),
        ("onnx-int8", "XnnpackExecutionProvider", True),
        ("onnx-int4", "CPUExecutionProvider", False),
    ]


def test_columns_of_figures_that_there_are_not_are_left_out(shown, run):
    made = run(times=(None, None, None), losses=(None, None, None))
    section = shown(made, "precisions")
    assert list(section.rows()[0]) == [
        "target", "precision", "MB", "of fp32", "same route", "agreement"
    ]  # fmt: skip
    assert [block for block in section.blocks if hasattr(block, "plot")] == []
    unverified = {name: {"parity": None} for name in ("fp32", "int8", "int4")}
    rows = shown(run(losses=(None, None, None), **unverified), "precisions").rows()
    assert "same route" not in rows[0]
    assert "ms" in rows[0]


def test_a_bundle_with_one_precision_has_no_such_section(factory):
    subject = factory.subject("dispatcher")
    made = factory.run([subject], lines=factory.constant(subject.key, 2.0))
    assert "precisions" not in summarize_run(made).sections


DAMAGES = ({"sizes": 3}, {"parity": []}, {"compression": "x"}, {"options": 1}, {"bounds": [2]})


@pytest.mark.parametrize("damage", DAMAGES)
def test_damaged_records_are_read_as_far_as_they_go(run, damage):
    found = summarize_run(run(int8=damage)).sections["precisions"]
    assert [figure.row.precision for figure in found] == ["fp32", "int8", "int4"]


def test_points_stand_at_their_bytes_and_times(shown, run):
    section = shown(run(), "precisions")
    points = section.chart().plot.points
    assert [(point.name, point.format) for point in points] == [
        ("onnx", "onnx"), ("onnx-int8", "onnx"), ("onnx-int4", "onnx"),
    ]  # fmt: skip
    (axes,) = section.axes()
    dots = [line for line in axes.lines if line.get_marker() == "o"]
    assert [float(line.get_xdata()[0]) for line in dots] == pytest.approx([2.0, 0.54, 0.34])
    assert [float(line.get_ydata()[0]) for line in dots] == pytest.approx([2.0, 1.0, 3.0])
    assert [text.get_text() for text in axes.texts] == ["onnx", "onnx-int8", "onnx-int4"]
    assert (axes.get_xlim()[0], axes.get_ylim()[0]) == (0, 0)
    assert axes.get_xlabel().startswith("MB of weights")
    assert axes.get_title(loc="left") == "milliseconds an image"


def test_names_of_points_at_one_height_stand_above_each_other(shown, run):
    (axes,) = shown(run(times=(2.0, 2.0, 2.0)), "precisions").axes()
    heights = sorted(float(text.xyann[1]) for text in axes.texts)
    assert heights == pytest.approx([0.0, 16.0, 32.0])
    assert len({line.get_color() for line in axes.lines}) == 1


def test_each_format_has_a_colour_of_its_own(shown, factory, run):
    made, other = run(), {"format": "executorch"}
    (known,) = made.run.bundles
    records = {
        **known.targets,
        "executorch": target(factory, "fp32", 1_900_000, **other),
        "executorch-int8": target(factory, "int8", 500_000, **other),
    }
    subjects = [factory.subject("dispatcher", target=name) for name in records]
    lines = [line for subject in subjects for line in factory.constant(subject.key, 2.0)]
    made = factory.run(subjects, [factory.bundle(targets=records)], lines)
    (axes,) = shown(made, "precisions").axes()
    dots = [line.get_color() for line in axes.lines if line.get_marker() == "o"]
    assert [dots.index(colour) for colour in dots] == [0, 0, 0, 3, 3]
    assert said(made).count(" is the one to ship") == 2


def test_the_sentence_advises_the_smallest_that_is_not_slower(run):
    assert said(run()) == (
        "onnx-int8 is the one to ship, in int8: 0.27 of the bytes, 2.00 times as fast "
        "(95%: 2.00 to 2.00), a loss of 0.0 points (95%: -1.10 to 1.20)."
    )
    assert said(run(times=(2.0, 1.0, 1.5))).startswith("onnx-int4 is the one to ship")
    assert "1.33 times as fast" in said(run(times=(2.0, 1.0, 1.5)))


def test_a_loss_beyond_half_a_point_is_not_advised_and_an_unknown_one_is_said(run):
    assert said(run(times=(2.0, 1.0, 1.0), losses=(0.0, 0.0, 0.006))).startswith("onnx-int8 is")
    assert said(run(losses=(None, None, None))).endswith(
        "a loss that is not known (export with --calibrate and labelled images)."
    )
    assert said(run(losses=(0.0, 0.01, 0.01))).startswith("No compressed precision of onnx may")


def test_of_few_repeats_no_speed_is_concluded(run):
    few = run(times=(2.0, 1.0, 3.0), repeats=3)
    assert said(few).startswith(
        "onnx-int4 is the one to ship, in int4: 0.17 of the bytes, 1.50 times"
    )
    assert "roughly" in said(few)
    assert warned(few) == []


def test_a_precision_that_is_slower_is_warned_of(run):
    assert warned(run()) == [
        "onnx-int4 of digits is slower than onnx: 1.50 times as long (95%: 1.50 to 1.50). It saves "
        "bytes (0.17 of them), not time."
    ]
    assert warned(run(times=(2.0, 1.0, 2.0))) == []

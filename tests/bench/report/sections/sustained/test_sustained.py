"""Long runs: what the first and the last quarter took, and how warm the device was."""

import pytest

from mvmoe_bench.report.document import document
from mvmoe_bench.report.run_summary import summarize_run


@pytest.fixture
def key(factory):
    return factory.subject("dispatcher").key


def _summary(factory, key, lines):
    samples = factory.constant(key, 8.0)
    return summarize_run(factory.run([factory.subject("dispatcher")], lines=[*samples, *lines]))


def _warming(factory, key, minutes=10):
    """8 ms until the phone is warm after six minutes, then 10 ms."""
    lines = []
    for number in range(1, 12 * minutes + 1):
        late = number > 72
        status = "moderate" if late else "light" if number > 36 else "none"
        slowest = 31.0 if number == 90 else 12.0
        lines.append(
            factory.sustained(
                key, 5 * number, 10.0 if late else 8.0, slowest=slowest, thermal=status,
                headroom=number / 120, pss=50_000_000 + number,
            )
        )  # fmt: skip
    return lines


def test_the_last_quarter_is_compared_with_the_first(factory, key):
    (run,) = _summary(factory, key, _warming(factory, key)).sections["sustained"]

    assert (run.first_ms, run.last_ms, run.slowest_ms) == pytest.approx((8, 10, 31))
    assert run.slowdown == pytest.approx(1.25)
    assert (run.seconds, run.answers, run.most_pss) == (600, 12_000, 50_000_120)
    assert run.hottest == "moderate"
    assert (run.reached("light"), run.reached("moderate"), run.reached("severe")) == (
        185, 365, None,
    )  # fmt: skip


@pytest.mark.parametrize(("lines", "first", "last"), [(40, 5.5, 35.5), (4, 1, 4), (3, 1, 3)])
def test_quarters_are_of_the_time_and_have_a_line_at_least(factory, key, lines, first, last):
    """Line n takes n ms: of 40 lines the first ten and the last ten count."""
    made = [factory.sustained(key, 5 * number, number) for number in range(1, lines + 1)]

    (run,) = _summary(factory, key, made).sections["sustained"]

    assert (run.first_ms, run.last_ms) == pytest.approx((first, last))
    assert run.warmest is run.most_pss is run.reached("light") is None


def test_lines_that_cannot_be_true_are_left_out_and_counted(factory, key):
    false = [
        factory.sustained(key, 5, 1.0, answers=0),
        factory.sustained(key, 5, 0.0),
        factory.sustained(key, 5, 3.0, slowest=2.0),
        factory.sustained(key, 0.001, 3.0),
    ]

    summary = _summary(factory, key, [*false, factory.sustained(key, 5, 1.0)])

    assert summary.skipped == len(false)
    assert len(summary.sections["sustained"][0].moments) == 1


def test_the_page_has_a_timeline_with_its_heat_and_a_sentence(factory, key):
    page = document(_summary(factory, key, _warming(factory, key)))

    (section,) = [section for section in page.sections if section.id == "sustained"]
    chart, table = section.blocks
    assert chart.title == "10.0 minutes without a pause"
    assert "10.0 min: 10.0 ms, moderate" in chart.label
    row = dict(zip((column.title for column in table.columns), table.rows[0], strict=True))
    assert row["last over first"].text == "1.25"
    assert row["warmest"].text == "moderate"
    assert row["minutes until throttled"].text == "6.08"
    assert any(
        "25% slower than in the first (thermal status up to moderate)" in text
        for _, text in page.summary
    )


def test_a_processors_degrees_stand_where_there_is_no_thermal_status(factory, key):
    lines = [factory.sustained(key, 5 * n, 8.0, celsius=40.0 + n) for n in range(1, 13)]
    summary = _summary(factory, key, lines)

    assert summary.sections["sustained"][0].warmest == "52 °C"
    (section,) = [each for each in document(summary).sections if each.id == "sustained"]
    assert "1.00 min: 8.00 ms, 52 °C" in section.blocks[0].label
    axes = _drawn(section.blocks[0].plot)
    assert axes[-1].lines[0].get_ydata().tolist() == [41.0 + n for n in range(12)]


def test_both_quarters_are_drawn_where_they_are(factory, key):
    lines = [factory.sustained(key, 5 * n, float(n)) for n in range(1, 41)]
    (section,) = [each for each in document(_summary(factory, key, lines)).sections
                  if each.id == "sustained"]  # fmt: skip
    (axes,) = _drawn(section.blocks[0].plot)

    end = 200 / 60
    dashed = [line for line in axes.lines if line.get_linestyle() == "--"]
    assert [(line.get_xdata().tolist(), line.get_ydata().tolist()) for line in dashed] == [
        (pytest.approx([0, end / 4]), pytest.approx([5.5, 5.5])),
        (pytest.approx([3 * end / 4, end]), pytest.approx([35.5, 35.5])),
    ]


def test_without_heat_the_plot_is_the_latency_alone(factory, key):
    plots = {}
    for name, status in (("cool", None), ("told", "none")):
        lines = [factory.sustained(key, 5 * n, 8.0, thermal=status) for n in range(1, 30)]
        page = document(_summary(factory, key, lines))
        (section,) = [section for section in page.sections if section.id == "sustained"]
        plots[name] = section.blocks[0].plot

    assert plots["cool"].height() < plots["told"].height()
    for plot in plots.values():
        _drawn(plot)


def _drawn(plot):
    """Draws it and gives its panels, which have the same minutes."""
    from matplotlib.figure import Figure

    from mvmoe_bench.report.plots.canvas import WIDTH, Canvas
    from mvmoe_deploy.picture_look import LIGHT

    figure = Figure(figsize=(WIDTH / 72, plot.height() / 72), dpi=72)
    plot.draw(Canvas(figure, WIDTH, plot.height(), LIGHT))
    assert len({axes.get_xlim() for axes in figure.axes}) == 1
    return figure.axes

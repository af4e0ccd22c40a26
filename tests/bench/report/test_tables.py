"""The numbers of tables, terminal and plots are those of the figures, each in its own place."""

import io
from pathlib import Path

import pytest
from matplotlib.colors import to_hex
from matplotlib.figure import Figure
from matplotlib.text import Text
from rich.console import Console

from mvmoe_bench.measure.jobs.start import GraphLoad
from mvmoe_bench.report.compare import compare_runs
from mvmoe_bench.report.comparison import comparison_document
from mvmoe_bench.report.document import document
from mvmoe_bench.report.plots.canvas import WIDTH, Canvas
from mvmoe_bench.report.plots.intervals import IntervalPlot, IntervalRow
from mvmoe_bench.report.run_summary import summarize_run
from mvmoe_bench.report.sections.parity.plot import BoundsPlot, BoundsRow
from mvmoe_bench.report.statistics import Ratio
from mvmoe_bench.report.terminal_report import show_summary
from mvmoe_deploy.picture_look import DPI, LIGHT

KEY = "dispatcher:digits:onnx"


@pytest.fixture(scope="module")
def run(factory):
    """Answers of 1 to 100 ms in each of six repeats, 25% longer than the static graph's."""
    d, s = factory.subject("dispatcher"), factory.subject("static")
    lines = []
    for repeat in range(6):
        for number in range(100):
            ms = number + 1
            laps = factory.laps(
                stem=0.5 * ms, select=0.06 * ms, load=0.04 * ms, expert=0.3 * ms, rest=0.1 * ms
            )
            taken = {"routes": ((number % 4,),), "laps": laps}
            lines.append(factory.sample(d.key, ms, repeat, number, cpu_ns=ms * 2 * 10**5, **taken))
            lines.append(factory.sample(s.key, 0.8 * ms, repeat, number))
        lines += [factory.start(d.key, repeat), factory.memory(d.key, None, repeat)]
        lines.append(factory.memory(d.key, 1, repeat, added=10e6, files=1e6))
        lines.append(
            GraphLoad(
                job="load", subject=d.key, repeat=repeat, graph="step1_e0", stage=1, route=(0,),
                load_ns=3 * 10**6, first_ns=2 * 10**6, warm_ns=10**6,
            )
        )  # fmt: skip
        for number in range(40):
            cold = number % 4 == 0
            ms = 12.0 if cold else 8.0
            fields = {"cold": (cold,), "switched": (cold,)}
            lines.append(factory.stream(d.key, 1, number, ms, repeat, **fields))
    return factory.run([d, s], lines=lines)


@pytest.fixture(scope="module")
def made(run):
    return document(summarize_run(run))


def _section(made, name):
    (found,) = (section for section in made.sections if section.id == name)
    return found


def _table(made, section, number=0):
    """The rows of one of a section's tables, cells by the titles of their columns.

    An interval is called after the number before it.
    """
    tables = [block for block in _section(made, section).blocks if hasattr(block, "columns")]
    table, names = tables[number], []
    for column in table.columns:
        after = f"{names[-1]} interval" if column.title == "95% interval" else column.title
        names.append(after)
    return [dict(zip(names, (cell.text for cell in row), strict=True)) for row in table.rows]


def _chart(made, section, number=0):
    charts = [block for block in _section(made, section).blocks if hasattr(block, "plot")]
    return charts[number]


def _holds(row, **wanted):
    """The row has these cells; names have _ for a space."""
    named = {name.replace("_", " "): text for name, text in wanted.items()}
    assert {name: row[name] for name in named} == named


def test_percentiles_of_latency(made):
    row = _table(made, "latency")[0]

    _holds(
        row, p50="50.5", p50_interval="50.5 to 50.5", p90="90.1", p95="95.0", p99="99.0",
        min="1.00", max="100", mean="50.5", MAD="25.0", n="600", repeats="6",
    )  # fmt: skip
    assert row["CPU p50"] == "10.1"


def test_ratios(made):
    rows = {(row["ratio"], row["clock"]): row for row in _table(made, "ratios")}

    _holds(
        rows["dispatcher / static", "wall"], value="1.25", value_interval="1.25 to 1.25",
        unpaired="1.25", n="600", repeats="6",
    )  # fmt: skip
    assert rows["dispatcher / static", "CPU"]["value"] == "0.250"


def test_memory_is_in_megabytes_of_a_million_and_every_part_in_its_column(made):
    one, every = _table(made, "memory")

    _holds(
        every, experts="all", held="90.0", added="30.0", anonymous="26.0", its_files="4.00",
        before="60.0", peak_RSS="115", closed="63.0", n="6",
    )  # fmt: skip
    _holds(one, experts="1", held="70.0", added="10.0", anonymous="9.00", its_files="1.00")
    plot = _chart(made, "memory").plot
    kinds = [name for name, _ in plot.kinds]
    assert dict(zip(kinds, plot.stacks[1].parts, strict=True)) == pytest.approx({
        "before the model was opened": 60, "added: anonymous": 26,
        "added: mapped pages of its files": 4,
    })  # fmt: skip
    assert plot.stacks[1].value == "90.0 MB"


def test_components_of_a_start_and_pythons_apart(made):
    (row,) = _table(made, "starts")

    assert row["open + first answer"] == "82.0"
    assert row["process in all"] == "110"
    _holds(
        row, manifest="2.00", hashes="25.0", open="40.0", first="15.0", Python="20.0",
        import_engine="60.0", import_code="30.0", n="6",
    )  # fmt: skip
    plot = _chart(made, "starts").plot
    kinds = [name for name, _ in plot.kinds]
    assert kinds[:4] == ["manifest", "hashes", "open and load", "first answer"]
    assert plot.stacks[0].parts == pytest.approx((2, 25, 40, 15, 20, 60, 30))
    assert plot.stacks[0].value == "82.0 ms"


def test_a_component_of_a_start_is_printed_as_precisely_in_both_tables(factory):
    subject = factory.subject("dispatcher")
    lines = [factory.start(subject.key, i, hash=20 + 2.3 * i) for i in range(6)]
    made = document(summarize_run(factory.run([subject], lines=lines)))

    (row,) = _table(made, "starts")
    components = {its["component"]: its for its in _table(made, "starts", 1)}

    assert components["hashes"]["median ms interval"] == "20 to 32"
    assert row["hashes"] == components["hashes"]["median ms"] == "26"


def test_loads_of_a_graph(made):
    (row,) = _table(made, "starts", 2)

    assert (row["load"], row["first run"], row["second run"]) == ("3.00", "2.00", "1.00")


def test_what_a_bundle_weighs(made):
    (row,) = _table(made, "size")

    assert row["total MB"] == "28.3"
    assert (row["shared MB"], row["experts MB"], row["an expert MB"]) == ("20.0", "8.00", "2.00")
    assert row["other MB"] == "0.300"
    plot = _chart(made, "size").plot
    assert [name for name, _ in plot.kinds] == [
        "weights every image uses", "experts' weights", "graphs, and weights stored twice",
    ]  # fmt: skip
    assert plot.stacks[0].parts == pytest.approx((20, 8, 0.3))


def test_room_for_experts(made):
    (row,) = _table(made, "residency")
    _holds(row, experts="1", cold="25%", n="240", processes="6")
    assert (row["p50 ms"], row["p95 ms"], row["mean ms"]) == ("8.00", "12.0", "9.00")
    assert row["memory MB"] == "70.0"

    cold, warm = _table(made, "residency", 1)
    assert (cold["answers"], cold["added ms"]) == ("cold switch", "4.00")
    assert (warm["answers"], warm["added ms"]) == ("warm switch", "-")


def test_parts_of_an_answer(made):
    rows = {row["part"]: row for row in _table(made, "parts")}

    assert {name: row["share"] for name, row in rows.items()} == {
        "stem": "50.0%", "select": "6.00%", "load": "4.00%", "expert": "30.0%", "rest": "10.0%",
    }  # fmt: skip
    assert rows["expert"]["median ms"] == "15.1"
    assert _chart(made, "parts").plot.stacks[0].parts == pytest.approx(
        (25.25, 3.03, 2.02, 15.15, 5.05)
    )


def test_key_figures_and_the_headline(made):
    tiles = {tile.label: (tile.value, tile.unit) for tile in made.tiles}
    assert tiles == {
        "an image takes": ("50.5", "ms"),
        "routing costs": ("25.0%", "more"),
        "memory it adds": ("30.0", "MB"),
        "to download": ("28.3", "MB"),
        "first answer": ("82.0", "ms"),
    }
    said = dict(made.summary)
    assert "82.0 ms" in said["Start"] and "imports" not in said["Start"].split(".")[0]
    assert "takes 110 ms" in said["Start"] and "192" not in said["Start"]
    assert "adds 30.0 MB" in said["Memory"] and "26.0 MB anonymous" in said["Memory"]
    assert "room for one expert 10.0 MB" in said["Memory"]
    assert "would save 20.0% of the time" in said["Routing"]


def test_the_terminal_prints_the_same_numbers(run):
    out = io.StringIO()
    show_summary(Console(file=out, width=200, highlight=False), summarize_run(run))
    lines = [" ".join(line.split()) for line in out.getvalue().splitlines()]

    assert "dispatcher 50.5 50.5 to 50.5 90.1 95.0 99.0 600" in lines
    assert "dispatcher / static wall 1.25 1.25 to 1.25 600" in lines
    assert "dispatcher stem 25.2 50.0% 50.0% to 50.0%" in lines
    assert "dispatcher 82.0 82.0 to 82.0 110 6" in lines
    assert "dispatcher all 90.0 30.0 30.0 to 30.0 26.0 4.00 6" in lines
    assert "1 8.00 8.00 to 8.00 12.0 12.0 25% 240" in lines
    assert "1 cold switch 4.00 4.00 to 4.00 60" in lines


def test_a_comparison_has_each_side_in_its_columns(factory, run):
    d = factory.subject("dispatcher")
    lines = factory.constant(d.key, 101.0)
    lines += [factory.memory(d.key, None, i, added=60e6) for i in range(6)]
    lines += [factory.start(d.key, i, first=56, process=9000) for i in range(6)]
    other = factory.run([d], lines=lines, path=Path("b.jsonl"))

    made = comparison_document(compare_runs(run, other), run.path, other.path)

    row = _table(made, "latency")[0]
    assert (row["A ms"], row["B ms"], row["B / A"]) == ("50.5", "101", "2.00")
    assert (row["n A"], row["n B"], row["verdict"]) == ("600", "60", "slower")
    row = _table(made, "memory")[0]
    assert (row["A MB"], row["B MB"], row["B / A"]) == ("90.0", "120", "1.33")
    assert row["verdict"] == "larger"
    row = _table(made, "start")[0]
    assert (row["A ms"], row["B ms"], row["B / A"]) == ("82.0", "123", "1.50")


def test_what_differs_between_two_runs_is_named(factory):
    first = factory.lifelike(seed=0)
    other = factory.lifelike(seed=1, identity=factory.identity(cpu="Apple M4"))
    for runs, said in (((first, other), "CPU model"), ((first, first), "nothing they state")):
        made = comparison_document(compare_runs(*runs), first.path, other.path)
        (lead,) = [section.lead for section in made.sections if section.id == "identity"]
        assert f"Beside their start and load average, the runs differ in {said}." == lead


def _axes(plot):
    """The axes of a plot."""
    width, height = WIDTH, plot.height()
    figure = Figure(figsize=(width / DPI, height / DPI), dpi=DPI)
    plot.draw(Canvas(figure, width, height, LIGHT))
    return figure.axes


def _drawn(plot):
    """Every line of a plot: its ends, its marker and its colour."""
    return [
        (tuple(map(float, line.get_xdata())), tuple(map(float, line.get_ydata())),
         line.get_marker(), to_hex(line.get_color()))
        for axes in _axes(plot)
        for line in axes.get_lines()
    ]  # fmt: skip


@pytest.fixture(scope="module")
def noisy(factory):
    return document(summarize_run(factory.lifelike(repeats=6, rounds=8)))


def test_plots_of_latency_draw_the_interval_and_the_middle_of_the_answers(noisy):
    plot = _chart(noisy, "latency").plot
    drawn = [(x, marker) for x, _, marker, _ in _drawn(plot)]

    for row in plot.rows:
        wall = row.latency.wall_ms
        assert wall.low < wall.high
        assert ((wall.low, wall.high), "|") in drawn
        assert ((wall.p5, wall.p95), "None") in drawn
        assert ((wall.p25, wall.p75), "None") in drawn
        assert ((wall.value,), "o") in drawn


def test_plots_of_ratios_draw_the_interval_and_the_value(noisy):
    plot = _chart(noisy, "ratios").plot
    drawn = [(x, marker, colour) for x, _, marker, colour in _drawn(plot)]

    for row in plot.rows:
        ratio, colour = row.ratio, LIGHT[row.colour]
        assert ratio.low < ratio.high
        assert ((ratio.low, ratio.high), "|", colour) in drawn
        assert ((ratio.value,), "o", colour) in drawn


@pytest.mark.parametrize(
    ("repeats", "note"), [(5, "1.10 to 1.30 (rough), n = 40"), (6, "1.10 to 1.30, n = 40")]
)
def test_a_plot_marks_an_interval_of_few_repeats(repeats, note):
    ratio = Ratio(
        value=1.2, low=1.1, high=1.3, of_medians=1.2, n=40, repeats=repeats, rough=repeats < 6
    )

    (axes,) = _axes(IntervalPlot([IntervalRow("a / b", ratio, "c1")], "times", "faster", "slower"))

    assert {"1.20 times", note} <= {text.get_text() for text in axes.texts}


def test_the_curve_of_residency_draws_intervals_medians_and_tails(noisy):
    plot = _chart(noisy, "residency").plot
    drawn = [(y, marker) for _, y, marker, _ in _drawn(plot)]

    budgets = plot.curve.budgets
    for budget in budgets:
        assert ((budget.total_ms.low, budget.total_ms.high), "_") in drawn
    assert (tuple(budget.total_ms.value for budget in budgets), "o") in drawn
    assert (tuple(budget.total_ms.p95 for budget in budgets), "s") in drawn
    assert (tuple(budget.mean_ms for budget in budgets), "^") in drawn


def test_an_error_within_its_bound_is_green_and_one_beyond_it_is_not():
    drawn = _drawn(BoundsPlot([BoundsRow("kept", 1e-6, 1e-4), BoundsRow("broken", 1e-3, 1e-4)]))

    dots = {x: colour for x, _, marker, colour in drawn if marker == "o"}
    assert dots == {(1e-6,): LIGHT["c3"], (1e-3,): LIGHT["c2"]}
    assert {x for x, _, marker, _ in drawn if marker == "|"} == {(1e-4,)}


def test_bars_are_stacked_in_their_order_and_colours(made, bars):
    (axes, legend) = _axes(_chart(made, "memory").plot)

    found = [(left, width, colour) for left, width, _, _, colour in bars(axes)]
    assert found == [
        (0, 60, LIGHT["c6"]), (60, 9, LIGHT["c1"]), (69, 1, LIGHT["c3"]),
        (0, 60, LIGHT["c6"]), (60, 26, LIGHT["c1"]), (86, 4, LIGHT["c3"]),
    ]  # fmt: skip
    names = [text.get_text() for text in legend.texts]
    colours = [to_hex(line.get_color()) for line in legend.get_lines()]
    assert dict(zip(names, colours, strict=True)) == {
        "before the model was opened": LIGHT["c6"],
        "added: anonymous": LIGHT["c1"],
        "added: mapped pages of its files": LIGHT["c3"],
    }


def test_shared_weights_and_experts_weights_have_their_colours(made, bars):
    (axes, _) = _axes(_chart(made, "size").plot)

    found = [(width, colour) for _, width, _, _, colour in bars(axes)]
    assert found == [(20, LIGHT["c1"]), (8, LIGHT["c3"]), (0.3, LIGHT["c6"])]


def test_intervals_of_a_comparison_and_the_colours_of_its_verdicts(factory):
    keys = ("dispatcher", "static", "gather")
    runs = []
    for times in ((8.0, 8.0, 8.0), (16.0, 4.0, 8.0)):
        subjects = [factory.subject(name) for name in keys]
        lines = [
            factory.sample(s.key, ms * (1 + 0.01 * repeat), repeat)
            for s, ms in zip(subjects, times, strict=True)
            for repeat in range(6)
        ]
        runs.append(factory.run(subjects, lines=lines))
    first, second = runs
    made = comparison_document(compare_runs(first, second), first.path, second.path)

    slower, faster, same = _table(made, "latency")
    assert (slower["A ms"], slower["B ms"], slower["verdict"]) == ("8.2", "16.4", "slower")
    assert (slower["A ms interval"], slower["B ms interval"]) == ("8.0 to 8.4", "16.0 to 16.8")
    assert (faster["B / A"], faster["verdict"]) == ("0.500", "faster")
    assert same["verdict"] == "not told apart"
    tones = [row[1].tone for row in _section(made, "latency").blocks[1].rows]
    assert tones == ["good" if row is faster else "bad" if row is slower else "muted"
                     for row in (slower, faster, same)]  # fmt: skip
    drawn = _drawn(_chart(made, "latency").plot)
    dots = {x[0]: colour for x, _, marker, colour in drawn if marker == "o"}
    assert dots == pytest.approx({2.0: LIGHT["c2"], 0.5: LIGHT["c3"], 1.0: LIGHT["c6"]})
    ends = [x for x, _, marker, _ in drawn if marker == "|"]
    assert len(ends) == 3 and all(low < high for low, high in ends)


def test_every_interval_of_a_table_is_that_of_its_number(noisy):
    """An interval is not a point, and its number lies in it: in all tables, whatever they show."""
    counted = 0
    for section in noisy.sections:
        for table in (block for block in section.blocks if hasattr(block, "columns")):
            for row in table.rows:
                for column, cell, before in zip(table.columns[1:], row[1:], row[:-1], strict=True):
                    if column.title == "95% interval" and " to " in cell.text:
                        low, high = cell.text.removesuffix(" (rough)").split(" to ")
                        ends = [float(end.strip("%").replace(",", "")) for end in (low, high)]
                        value = float(before.text.strip("%").replace(",", ""))
                        assert ends[0] <= value <= ends[1], (section.id, column, row)
                        counted += 1
    assert counted > 60


def test_text_of_every_plot_is_inside_of_it_and_legible_on_a_phone(factory):
    run = factory.lifelike(experts=10, k=2, stages=2, repeats=6, rounds=8)
    subjects = [factory.subject("dispatcher", key="x", bundle="b" * 60), *run.run.subjects]
    run = factory.run(subjects, [factory.bundle("b" * 60), *run.run.bundles],
                      [*run.lines, *factory.constant("x", 8.0)])  # fmt: skip
    plots = [block.plot for section in document(summarize_run(run)).sections
             for block in section.blocks if hasattr(block, "plot")]  # fmt: skip
    assert len(plots) > 12
    for plot in plots:
        axes = _axes(plot)
        for text in (found for one in axes for found in one.findobj(Text) if found.get_text()):
            box = text.get_window_extent()
            assert box.x0 >= -3 and box.x1 <= WIDTH + 3, (plot, text)
            # A phone of 360 pixels shows a plot at 332 of its 400.
            assert text.get_fontsize() * 332 / WIDTH >= 9, (plot, text)

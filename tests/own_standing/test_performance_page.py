"""Our own standing: measured in small, and the page that is written of it."""

from pathlib import Path

import msgspec
import pytest
from expected_errors import raises

from mvmoe_bench.measure.planning.bench_presets import PRESETS
from mvmoe_bench.report.printed import alone, printed
from mvmoe_bench.report.statistics import Ratio
from mvmoe_deploy.errors import InputError
from own_standing import measuring, performance_page

ROOT = Path(__file__).parents[2]
EFFORT = msgspec.structs.replace(
    PRESETS["quick"], repeats=2, queries=3, starts=1, stream=6, warmup=1
)
RATIO = Ratio(value=1.25, low=1.2, high=1.3, of_medians=1.25, n=6, repeats=2, rough=True)
NAIVE = {
    "threads": 1,
    "ms": {"executorch ours": {"median": 4.0}, "executorch naive": {"median": 5.0}},
    "naive_over_ours": {"executorch ours": msgspec.structs.asdict(RATIO)},
    "placement": {
        f"executorch {which}": [
            {"graph": graph, "engine": "xnnpack", "partitions": n}
            for graph, n in (("stem", stem), ("step1_e0", step))
        ]
        for which, stem, step in (("ours", 1, 1), ("naive", 52, 11))
    },
}  # fmt: skip


@pytest.fixture(scope="module")
def standing(tmp_path_factory, tiny):
    """A real run of every step but the naive export, which `test_rewriting.py` has."""

    folder = tmp_path_factory.mktemp("standing")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(measuring, "_TARGETS", ("onnx",))
        patch.setattr(measuring, "_BASELINES", ("bare", "static", "all-experts"))
        patch.setattr(measuring, "_naive", lambda *_: NAIVE)

        def again(effort=EFFORT):
            return measuring.measure(tiny, (2, 4), effort, folder / "work")

        yield again(), again


def test_every_figure_of_the_page_was_measured(standing):
    found, _ = standing
    assert {ratio.name for ratio in found.baselines.sections["ratios"]} == {
        "dispatcher/bare", "dispatcher/static", "all-experts/dispatcher",
    }  # fmt: skip
    assert {ratio.clock for ratio in found.baselines.sections["ratios"]} == {"wall", "CPU"}
    assert [scale.experts for scale in found.scales] == [2, 4]
    assert found.scales[0].ratio.value == 1.0 and found.scales[1].bytes > found.scales[0].bytes
    assert [
        budget.experts
        for budget in next(iter(found.residency.sections["residency"].values())).budgets
    ] == [1, 2, 3]
    assert all(scale.export_seconds > 0 for scale in found.scales)


def test_what_was_measured_is_not_measured_again(standing):
    found, again = standing
    assert again().baselines == found.baselines
    with raises(InputError, "resume.mismatch"):
        again(msgspec.structs.replace(EFFORT, name="other"))


def test_the_page_has_every_table_with_its_numbers(standing):
    found, _ = standing
    text = performance_page.render(found)
    for title in ("Against the alternatives", "Between the graphs", "Naive export and ours",
                  "More experts", "Fewer experts in memory", "Starts", "Again"):  # fmt: skip
        assert f"## {title}\n" in text
    assert (
        "| executorch | 5.00 | 4.00 | 1.25 (roughly 1.20 to 1.30) | 52 and 11 to 1 and 1 |" in text
    )
    assert found.baselines.identity["cpu"] in text
    rows = [line for line in text.splitlines() if line.startswith("| onnx | dispatcher/static |")]
    assert len(rows) == 1 and "at most 1.02" in rows[0]
    ours = found.baselines.subjects[0]
    starts = found.baselines.sections["starts"].starts[ours.key]
    ready, python = printed(starts.ready_ms), printed(starts.python_ms)
    cells = (ready.value, ready.span, printed(starts.over_oracle).value, python.value, "1")
    assert f"| {ours.key} | {' | '.join(cells)} |" in text
    (host,) = found.baselines.sections["host-time"]
    assert f"| {ours.key} | {printed(host.us).value} (" in text
    for way, spent in found.host["onnx"].items():
        between = alone(sum(spent[1:-1]))
        assert f"| onnx | {way} | {alone(spent[0])} | {between} | {alone(spent[-1])} |" in text
    one = found.scaling.sections["memory"][0].added.total
    assert f"| {printed(one, 1e-6).value} |" in text
    # Tables are whole: every row has as many cells as its head.
    cells = None
    for line in text.splitlines():
        if not line.startswith("|"):
            cells = None
            continue
        cells = cells or line.count("|")
        assert line.count("|") == cells, line


@pytest.mark.parametrize(
    ("low", "value", "high", "says"),
    [
        (1.005, 1.01, 1.015, "at most 1.02: met"),
        (1.03, 1.04, 1.05, "at most 1.02: not met"),
        (1.01, 1.018, 1.03, "at most 1.02: met by the median, within the interval"),
        (1.01, 1.025, 1.03, "at most 1.02: not met by the median, within the interval"),
    ],
)
def test_a_limit_is_kept_as_far_as_the_interval_tells(low, value, high, says):
    ratio = msgspec.structs.replace(RATIO, low=low, value=value, high=high, repeats=6, rough=False)
    assert performance_page._judged(ratio, 1.02) == says


@pytest.mark.parametrize("ends", [{"low": None, "high": None}, {"low": 1.0, "high": 1.01}])
def test_no_limit_is_called_kept_or_missed_below_six_repeats(ends):
    ratio = msgspec.structs.replace(RATIO, value=1.0, repeats=5, rough=True, **ends)
    assert (
        performance_page._judged(ratio, 1.02) == "at most 1.02: 5 repeats, and a verdict needs six"
    )


def test_a_page_that_is_there_is_replaced_whole(standing, tmp_path):
    found, _ = standing
    path = tmp_path / "performance.md"
    path.write_text("# Where we stand\n\nWritten by `make bench`, not by hand: an old one.")
    performance_page.write_page(found, path)
    assert path.read_text() == performance_page.render(found)


def test_the_page_replaces_its_own_kind_alone(standing, tmp_path):
    found, _ = standing
    path = tmp_path / "performance.md"
    for _ in range(2):
        performance_page.write_page(found, path)
    path.write_text("# Where we stand\n\nprecious\n")
    for refused in (
        performance_page.require_free,
        lambda path: performance_page.write_page(found, path),
    ):
        with raises(InputError, "output.foreign", path=str(path)):
            refused(path)
    assert "precious" in path.read_text()
    performance_page.require_free(ROOT / "docs" / "performance.md")

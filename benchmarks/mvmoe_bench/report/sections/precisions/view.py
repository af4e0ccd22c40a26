"""Which precision to ship: bytes, time and accuracy side by side."""

from collections.abc import Iterator, Sequence
from itertools import groupby

from mvmoe_bench.report import columns
from mvmoe_bench.report.blocks import Cell, Chart, TableBlock, number
from mvmoe_bench.report.formatting import agreement, engine, repeats_of
from mvmoe_bench.report.printed import printed
from mvmoe_bench.report.run_summary import Summary
from mvmoe_bench.report.section_part import Point, View
from mvmoe_bench.report.sections.precisions.figures import PrecisionFigure, Precisions
from mvmoe_bench.report.sections.precisions.plot import PrecisionPlot, PrecisionPoint
from mvmoe_bench.report.statistics import Ratio, conclusive
from mvmoe_deploy.bundle.precisions import MOST_LOSS

_MB = 1e-6


def view(summary: Summary, found: Precisions) -> View:
    """A picture for each bundle that was measured, and a table."""
    charts = [chart for bundle in _bundles(found) if (chart := _chart(found, bundle)) is not None]
    return View(
        (*charts, _table(found)),
        "Bytes and losses are from the manifest: the export measured them against PyTorch. Times "
        "are of this run, and their ratios compare answers of the same round.",
    )


def picture(summary: Summary, found: Precisions) -> Iterator[Chart]:
    """The precisions of the main subject's bundle."""
    main = summary.main_subject
    chart = None if main is None else _chart(found, main.bundle)
    if chart is not None:
        yield chart


def _bundles(found: Precisions) -> list[str]:
    """The bundles, each once."""
    return list(dict.fromkeys(figure.bundle for figure in found))


def _chart(found: Precisions, bundle: str) -> Chart | None:
    """The points of one bundle; None if fewer than two have both a size and a time."""
    points = [
        PrecisionPoint(
            _name(figure, found), figure.row.format, figure.row.weight_bytes * _MB, figure.time_ms
        )
        for figure in found
        if figure.bundle == bundle and figure.row.weight_bytes and figure.time_ms is not None
    ]
    if len(points) < 2:
        return None
    of = f" ({bundle})" if len(_bundles(found)) > 1 else ""
    return Chart(
        title=f"Bytes and time by precision{of}",
        caption=(
            "Dot: median time of an answer over the bytes of all distinct weights; bracket: 95% "
            f"interval over {repeats_of([point.time_ms.repeats for point in points])}. Further "
            "left is smaller, further down is faster; a colour is a format."
        ),
        plot=PrecisionPlot(points),
    )


def _name(figure: PrecisionFigure, found: Sequence[PrecisionFigure]) -> str:
    """The target, with its engine where it was measured on several."""
    alike = [
        other.requested
        for other in found
        if (other.bundle, other.row.target) == (figure.bundle, figure.row.target)
    ]
    if len(alike) < 2 or figure.requested is None:
        return figure.row.target
    return f"{figure.row.target}, {engine(figure.requested)}"


def _table(found: Precisions) -> TableBlock:
    """All figures; a column that nothing is known for is left out."""
    fields = [*_sizes(found), *_times(found), *_accuracy(found)]
    return columns.table("Precision, bytes, time and accuracy", ((f,) for f in found), *fields)


def _sizes(found: Precisions) -> Iterator[columns.Field]:
    """What each row is of, and its bytes."""
    if len(_bundles(found)) > 1:
        yield columns.text("bundle", lambda f: f.bundle, brief=True)
    weights = "All distinct weights, in millions of bytes."
    share = "Its share of the bytes of the uncompressed target."
    yield columns.text("target", lambda f: _name(f, found), brief=True)
    yield columns.text("precision", lambda f: f.row.precision, brief=True)
    yield columns.number("MB", _megabytes, weights, brief=True)
    yield columns.number(f"of {_baselines(found)}", _share_of_bytes, share, brief=True)


def _times(found: Precisions) -> Iterator[columns.Field]:
    """The time of an answer, where there is any."""
    title = f"times as long as {_baselines(found)}"
    if any(figure.time_ms is not None for figure in found):
        yield columns.estimate("ms", lambda f: f.time_ms, "The median of an answer.", brief=True)
    if any(figure.ratio is not None for figure in found):
        yield columns.estimate(title, lambda f: f.ratio, "Paired by round.", brief=True)


def _accuracy(found: Precisions) -> Iterator[columns.Field]:
    """What verification found, where there was one."""
    rows = [figure.row for figure in found]
    route = "Verified images on the route that PyTorch takes."
    alike = "How far what is decided is what PyTorch decides; the least of all outputs."
    loss = "Right answers of PyTorch less those of the target, of a hundred images."
    if any(row.routing_agreement is not None for row in rows):
        yield columns.number("same route", lambda f: _share(f.row.routing_agreement), route)
    if any(row.agreement is not None for row in rows):
        yield columns.number("agreement", lambda f: _share(f.row.agreement), alike)
    if any(row.loss is not None for row in rows):
        yield columns.number("loss in points", lambda f: _points(f.row.loss), loss, brief=True)
        yield columns.text("95% interval", _loss_interval, brief=True)
        yield columns.count("labelled images", lambda f: f.row.labelled_images)


def _megabytes(figure: PrecisionFigure) -> float | None:
    """Millions of bytes of weights."""
    return None if figure.row.weight_bytes is None else figure.row.weight_bytes * _MB


def _share_of_bytes(figure: PrecisionFigure) -> Cell:
    """How many of the uncompressed bytes are left."""
    share = figure.row.share_of_bytes
    return number(share, None if share is None else f"{share:.2f}")


def _baselines(found: Precisions) -> str:
    """What the uncompressed targets are in."""
    names = dict.fromkeys(f.row.baseline_precision for f in found if f.row.baseline_precision)
    return " or ".join(names) or "uncompressed"


def _share(share: float | None) -> Cell:
    """A share that is never rounded up to all."""
    return number(share, None if share is None else agreement(share))


def _points(share: float | None) -> Cell:
    """A share in points of a hundred, with the tone of a loss that is too large."""
    if share is None:
        return number(None)
    return number(100 * share, _in_points(share), "bad" if share > MOST_LOSS + 1e-9 else "")


def _in_points(share: float, places: int = 2) -> str:
    """A share in points, never as -0."""
    return f"{round(100 * share, places) + 0.0:.{places}f}"


def _loss_interval(figure: PrecisionFigure) -> str | None:
    """The ends of a loss."""
    low, high = figure.row.least_loss, figure.row.most_loss
    return None if low is None or high is None else f"{_in_points(low)} to {_in_points(high)}"


def sentences(summary: Summary, found: Precisions) -> Iterator[Point]:
    """For each format of the main subject's bundle the precision to ship."""
    main = summary.main_subject
    mine = [figure for figure in found if main is not None and figure.bundle == main.bundle]
    for _, alike in groupby(mine, lambda figure: figure.row.format):
        chosen = advised(tuple(alike))
        if chosen is not None:
            yield Point(topic="Precision", text=_sentence(chosen))


def recommendations(summary: Summary, found: Precisions) -> Iterator[Point]:
    """The same, as the answer to a question."""
    for point in sentences(summary, found):
        yield Point(topic="Which precision?", text=point.text)


def advised(alike: Sequence[PrecisionFigure]) -> PrecisionFigure | None:
    """Of one format the smallest that may ship and is not slower; if all are, the smallest."""
    fitting = [f for f in alike if f.row.may_ship and f.row.weight_bytes is not None]
    return min(fitting, key=lambda f: (f.slower, f.row.weight_bytes or 0), default=None)


def _sentence(figure: PrecisionFigure) -> str:
    """What one precision saves and loses."""
    row = figure.row
    if row.target == row.baseline:
        return (
            f"No compressed precision of {row.target} may ship: each is beyond its bounds, was not "
            f"verified, loses more than {_in_points(MOST_LOSS, 1)} points, or is slower than "
            f"{row.precision}."
        )
    facts = [] if row.share_of_bytes is None else [f"{row.share_of_bytes:.2f} of the bytes"]
    if figure.ratio is not None:
        facts.append(_speed(figure.ratio))
    facts.append(_lost(figure))
    return f"{row.target} is the one to ship, in {row.precision}: {', '.join(facts)}."


def _speed(ratio: Ratio) -> str:
    """How many times as fast, or as long; the interval is that of the time."""
    shown = printed(ratio)
    if not conclusive(ratio) or ratio.low is None or ratio.high is None:
        return f"{shown.value} times as long ({shown.interval})"
    if ratio.high < 1:
        faster = Ratio(
            value=1 / ratio.value, low=1 / ratio.high, high=1 / ratio.low, n=ratio.n,
            repeats=ratio.repeats, rough=ratio.rough, of_medians=1 / ratio.of_medians,
        )  # fmt: skip
        shown = printed(faster)
        return f"{shown.value} times as fast ({shown.interval})"
    if ratio.low > 1:
        return f"{shown.value} times as long ({shown.interval})"
    return f"as fast as could be told apart ({shown.value} times as long, {shown.interval})"


def _lost(figure: PrecisionFigure) -> str:
    """The loss with its interval, or how to measure it."""
    row, interval = figure.row, _loss_interval(figure)
    if row.loss is None or interval is None:
        return "a loss that is not known (export with --calibrate and labelled images)"
    return f"a loss of {_in_points(row.loss, 1)} points (95%: {interval})"


def warnings(found: Precisions) -> Iterator[str]:
    """Precisions that save bytes and cost time."""
    for figure in found:
        if figure.slower and figure.ratio is not None:
            shown, row = printed(figure.ratio), figure.row
            saved = row.share_of_bytes
            bytes_too = f" It saves bytes ({saved:.2f} of them), not time." if saved else ""
            yield (
                f"{_name(figure, found)} of {figure.bundle} is slower than {row.baseline}: "
                f"{shown.value} times as long ({shown.interval}).{bytes_too}"
            )

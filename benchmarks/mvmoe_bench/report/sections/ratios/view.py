"""What routing costs and saves: ratios of subjects that took turns."""

from mvmoe_bench.report.blocks import Chart, Column, Section, Table, figures, number, rows, text
from mvmoe_bench.report.names import COLOURS, subject_names
from mvmoe_bench.report.plots.intervals import IntervalPlot
from mvmoe_bench.report.printed import printed
from mvmoe_bench.report.sections.latency.view import repeats
from mvmoe_bench.report.sections.ratios.figures import RatioFigure
from mvmoe_bench.report.summary import Summary

_MEANING = {
    "static": "what not knowing the expert beforehand costs",
    "all-experts": "computing all experts, over the dispatcher",
    "gather": "gathering weights in the graph, over the dispatcher",
    "dense": "a model without routing, as much work an image",
    "eager": "PyTorch as it is, over the dispatcher",
    "compile": "torch.compile, over the dispatcher",
}


def ratios(summary: Summary) -> Section | None:
    """A forest plot for each dispatcher, and all ratios as a table."""
    if not summary.ratios:
        return None
    dispatchers = dict.fromkeys(_dispatcher(figure) for figure in summary.ratios)
    charts = [chart(summary, key) for key in dispatchers]
    return Section(
        "ratios",
        "What routing costs and saves",
        (*charts, _table(summary)),
        "How many times as long the first subject takes as the second. Each ratio compares answers "
        "of the same round, so what slows the machine for a while slows both sides. Left of 1 the "
        "first takes less time, right of 1 more; an interval that "
        "covers 1 means that the two were not told apart, and a rough one, of fewer than six "
        "repeats, tells nothing apart.",
    )


def chart(summary: Summary, dispatcher: str) -> Chart:
    """All ratios of one dispatcher on the wall clock."""
    names = subject_names(summary)
    found = [f for f in summary.ratios if f.clock == "wall" and _dispatcher(f) == dispatcher]
    several = len({_dispatcher(figure) for figure in summary.ratios}) > 1
    of = f": {names[dispatcher]}" if several else ""
    spoken = "; ".join(_spoken(figure) for figure in found)
    return Chart(
        title=f"Times as long{of}",
        caption=(
            "Dot: median over rounds of one subject's time divided by the other's; line: 95% "
            f"interval over {repeats([figure.ratio.groups for figure in found])}; n: rounds."
        ),
        plot=IntervalPlot(
            tuple((_name(figure), figure.ratio, _colour(figure)) for figure in found),
            "times as long (paired by round)",
            "first is faster",
            "first is slower",
        ),
        label=f"Ratios of latency: {spoken}",
    )


def _spoken(figure: RatioFigure) -> str:
    """A row in words."""
    its = printed(figure.ratio)
    return f"{figure.name} {its.value} times ({its.sure})"


def _dispatcher(figure: RatioFigure) -> str:
    """Key of the dispatcher in a ratio."""
    return figure.first if figure.name.startswith("dispatcher/") else figure.second


def _other(figure: RatioFigure) -> str:
    """Name of the other subject."""
    return figure.name.removeprefix("dispatcher/").removesuffix("/dispatcher")


def _name(figure: RatioFigure) -> str:
    """The ratio in words."""
    other = _other(figure)
    if figure.name.startswith("dispatcher/"):
        return f"dispatcher / {other}"
    return f"{other} / dispatcher"


def _colour(figure: RatioFigure) -> str:
    """The colour of a ratio: the product's cost stands out."""
    return "c1" if _other(figure) == "static" else COLOURS.get(_other(figure), "c6")


def _table(summary: Summary) -> Table:
    """All ratios, both clocks."""
    names = subject_names(summary)
    several = len({_dispatcher(figure) for figure in summary.ratios}) > 1
    columns = (
        Column("ratio", number=False),
        *([Column("of", number=False)] if several else []),
        Column("clock", number=False, help="Wall: time that passed; CPU: what the calling thread "
               "computed."),
        Column("value"),
        Column("95% interval", number=False),
        Column("unpaired", help="Median over median, pairing ignored: as unsteady as the machine."),
        Column("n", help="Rounds."),
        Column("repeats"),
        Column("meaning", number=False),
    )  # fmt: skip
    cells = [
        [
            text(_name(figure)),
            *([text(names[_dispatcher(figure)])] if several else []),
            text("wall" if figure.clock == "wall" else "CPU"),
            *figures(figure.ratio),
            number(figure.ratio.of_medians),
            number(figure.ratio.n, f"{figure.ratio.n:,}"),
            number(figure.ratio.groups, str(figure.ratio.groups)),
            text(_MEANING.get(_other(figure), "")),
        ]
        for figure in summary.ratios
    ]
    return Table(
        "Ratios of latency, paired by round (unpaired: median over median, unsteady)",
        columns,
        rows(cells),
        folded=len(cells) > 8,
    )

"""What routing costs and saves: ratios of subjects that took turns."""

from collections.abc import Iterator, Sequence

from mvmoe_bench.report import columns
from mvmoe_bench.report.blocks import Chart, TableBlock, Tile
from mvmoe_bench.report.formatting import no_verdict, repeats_of
from mvmoe_bench.report.plots.intervals import IntervalPlot, IntervalRow
from mvmoe_bench.report.printed import Printed, printed
from mvmoe_bench.report.run_summary import Summary
from mvmoe_bench.report.section_part import Point, View
from mvmoe_bench.report.sections.ratios.figures import RatioFigure
from mvmoe_bench.report.statistics import Estimate, Ratio, conclusive
from mvmoe_bench.report.subjects import look_of

Found = tuple[RatioFigure, ...]


def view(summary: Summary, found: Found) -> View:
    """A forest plot for each product, and all ratios as a table."""
    products = dict.fromkeys(pair.product for pair in found)
    return View(
        (*(_chart(summary, found, key) for key in products), _table(summary, found)),
        "How many times as long the first subject takes as the second. Each ratio compares answers "
        "of the same round, so what slows the machine for a while slows both sides. Left of 1 the "
        "first takes less time, right of 1 more; an interval that "
        "covers 1 means that the two were not told apart, and a rough one, of fewer than six "
        "repeats, tells nothing apart.",
    )


def picture(summary: Summary, found: Found) -> Iterator[Chart]:
    """The ratios of the main subject."""
    if summary.main is not None and _of_main(summary, found):
        yield _chart(summary, found, summary.main)


def _of_main(summary: Summary, found: Found) -> list[RatioFigure]:
    """Ratios of the main subject on the wall clock."""
    return [pair for pair in found if pair.clock == "wall" and pair.product == summary.main]


def _chart(summary: Summary, found: Found, product: str) -> Chart:
    """All ratios of one product on the wall clock."""
    shown = [pair for pair in found if pair.clock == "wall" and pair.product == product]
    of = f": {summary.names[product]}" if _several(found) else ""
    return Chart(
        title=f"Times as long{of}",
        caption=(
            "Dot: median of one subject's time divided by the other's, round by round; line: 95% "
            f"interval over {repeats_of([pair.ratio.repeats for pair in shown])}; n: rounds."
        ),
        plot=IntervalPlot(
            [
                IntervalRow(
                    _name(pair),
                    pair.ratio,
                    summary.colours[pair.other],
                    strong=bool(look_of(pair.other_name).tile),
                )
                for pair in shown
            ],
            "times as long (paired by round)",
            "first is faster",
            "first is slower",
        ),
    )


def _name(pair: RatioFigure) -> str:
    """Both names, with space between."""
    return pair.name.replace("/", " / ")


def _several(found: Sequence[RatioFigure]) -> bool:
    """Whether there are several products."""
    return len({pair.product for pair in found}) > 1


def _table(summary: Summary, found: Found) -> TableBlock:
    """All ratios, both clocks."""
    of = columns.text("of", lambda row: summary.names[row.product], brief=True)
    return columns.table(
        "Ratios of latency, paired by round (unpaired: median over median, unsteady)",
        ((pair,) for pair in found),
        columns.text("ratio", _name, brief=True),
        *([of] if _several(found) else []),
        columns.text("clock", lambda row: row.clock, "Wall: time that passed; CPU: what the "
                     "calling thread computed.", brief=True),
        columns.estimate("value", lambda row: row.ratio, brief=True),
        columns.number("unpaired", lambda row: row.ratio.of_medians, "Median over median, pairing "
                       "ignored: as unsteady as the machine."),
        columns.count("n", lambda row: row.ratio.n, "Rounds.", brief=True),
        columns.count("repeats", lambda row: row.ratio.repeats),
        columns.text("meaning", lambda row: look_of(row.other_name).ratio_meaning),
        folded=8,
    )  # fmt: skip


def tiles(summary: Summary, found: Found) -> Iterator[Tile]:
    """The ratios of the main subject that are key figures."""
    for pair in _of_main(summary, found):
        look, ratio = look_of(pair.other_name), pair.ratio
        if look.tile:
            value, unit = _difference(ratio)
            note = f"{look.tile_note}; {_extra(ratio).interval}, n = {ratio.n:,} rounds"
            yield Tile(look.tile, value, unit, note)


def _extra(ratio: Ratio) -> Printed:
    """How much longer the first subject takes, in per cent."""
    ends = [None if end is None else end - 1 for end in (ratio.low, ratio.high)]
    more = Estimate(
        value=ratio.value - 1, low=ends[0], high=ends[1], n=ratio.n, repeats=ratio.repeats,
        rough=ratio.rough,
    )  # fmt: skip
    return printed(more, 100, "%")


def _difference(ratio: Ratio) -> tuple[str, str]:
    """The difference for a reader, and its unit; none where the two were not told apart."""
    low, high = ratio.low, ratio.high
    if conclusive(ratio) and low is not None and high is not None and low <= 1 <= high:
        return "nothing", "that could be told apart"
    shown = _extra(ratio).value
    return (shown.lstrip("-"), "less") if ratio.value < 1 else (shown, "more")


def recommendations(summary: Summary, found: Found) -> Iterator[Point]:
    """What routing costs the main subject, and what doing without would."""
    pairs = [pair for pair in _of_main(summary, found) if look_of(pair.other_name).tile]
    sure = [pair for pair in pairs if conclusive(pair.ratio)]
    if sure:
        said = "; ".join(map(_cost, sure))
        yield Point(topic=_QUESTION, text=f"{said[:1].upper()}{said[1:]}.")
    elif pairs:
        why = no_verdict(pairs[0].ratio)
        yield Point(topic=_QUESTION, text=f"That cannot be said from {why}.")


_QUESTION = "What does routing cost?"


def _cost(pair: RatioFigure) -> str:
    """What one ratio says, for a reader."""
    look, (value, unit) = look_of(pair.other_name), _difference(pair.ratio)
    time = unit.replace("more", "more time").replace("less", "less time")
    return f"{look.tile} {value} {time} {look.tile_note} ({_extra(pair.ratio).interval})"


def sentences(summary: Summary, found: Found) -> Iterator[Point]:
    """What routing costs and saves, for the main subject."""
    mine = _of_main(summary, found)
    if any(pair.steadier for pair in mine):
        yield Point(
            topic="Speed",
            text="That interval is wide because repeats differ. What slows one repeat slows every "
            "subject in it, so ratios, which compare answers of the same round, are surer than "
            "milliseconds.",
        )
    for pair in mine:
        look = look_of(pair.other_name)
        if look.in_sentences:
            against = _against_oracle if look.role == "oracle" else _against
            yield Point(
                topic="Routing", text=against(look.in_sentences, pair.product_name, pair.ratio)
            )


def _against_oracle(oracle: str, product: str, ratio: Ratio) -> str:
    """What knowing the expert beforehand would save."""
    shown = printed(ratio)
    how = f"the {product} takes {shown.value} times as long ({shown.interval})"
    if not conclusive(ratio) or ratio.low is None or ratio.high is None:
        return f"{oracle} was compared in {no_verdict(ratio)}: {how}."
    if ratio.low > 1:
        saved = printed(_saved(ratio), 100, "%")
        return f"{oracle} would save {saved.value} of the time ({saved.interval}): {how}."
    if ratio.high < 1:
        return f"{oracle} would save nothing: {how}."
    return f"{oracle} would make no difference that could be told apart: {how}."


def _saved(ratio: Ratio) -> Estimate:
    """The share of the time that the second of two subjects saves."""
    assert ratio.low is not None
    assert ratio.high is not None
    return Estimate(
        value=1 - 1 / ratio.value,
        low=1 - 1 / ratio.low,
        high=1 - 1 / ratio.high,
        n=ratio.n,
        repeats=ratio.repeats,
        rough=ratio.rough,
    )


def _against(who: str, product: str, ratio: Ratio) -> str:
    """Whether something takes longer than the product."""
    shown = printed(ratio)
    how = f"{shown.value} times as long"
    if not conclusive(ratio) or ratio.low is None or ratio.high is None:
        lead = f"{who} was compared in {no_verdict(ratio)}"
        return f"{lead}: {how} as the {product} ({shown.interval})."
    if ratio.low <= 1 <= ratio.high:
        return f"{who} was not told apart from the {product}: {how} ({shown.interval})."
    return f"{who} takes {how} as the {product} ({shown.interval})."

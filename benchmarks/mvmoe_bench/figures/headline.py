"""The summary in sentences. No sentence says more than an interval supports."""

from collections.abc import Iterable
from typing import TYPE_CHECKING

from mvmoe_bench.figures import words
from mvmoe_bench.figures.common import Estimate, Figure
from mvmoe_bench.figures.words import between, count, megabytes, ratio_between, significant, times
from mvmoe_bench.statistics import Ratio

if TYPE_CHECKING:
    from mvmoe_bench.figures.summary import SubjectFigure, Summary


_WIDE = 0.25
"""How far apart the ends of an interval are, relative to the lower, to need a word."""


class Point(Figure):
    """One or a few sentences about one thing."""

    topic: str
    """A word: `Speed`, `Routing`, `Memory`, `Start`, `Answers`."""
    text: str


def headline(summary: "Summary") -> tuple[Point, ...]:
    """What a person who reads nothing else should know, about the first dispatcher."""
    main = main_subject(summary)
    return tuple(
        Point(topic=topic, text=" ".join(sentences))
        for topic, sentences in _sentences(summary, main)
        if sentences
    )


def _sentences(summary: "Summary", main: "SubjectFigure | None") -> Iterable[tuple[str, list[str]]]:
    """Topics in their order with what there is to say."""
    if main is None:
        yield "Speed", ["This run holds no latency measurements."]
    else:
        yield "Speed", [_latency(main), *_unsteady(summary, main), *_routes(summary, main)]
        yield "Routing", _ratios(summary, main)
    residency = _residency(summary, main) if main else []
    yield "Memory", [*_memory(_first(summary, main)), *residency]
    yield "Start", _start(_first(summary, main))
    yield "Answers", _parity(summary, main) if main else []


def main_subject(summary: "Summary") -> "SubjectFigure | None":
    """The subject that the summary is about: the first dispatcher, or whatever was measured."""
    measured = [subject for subject in summary.subjects if subject.latency is not None]
    named = [subject for subject in measured if subject.name == "dispatcher"]
    return next(iter([*named, *measured]), None)


def _latency(main: "SubjectFigure") -> str:
    """What an image takes."""
    assert main.latency is not None
    wall = main.latency.wall_ms
    threads = "one thread" if main.threads == 1 else f"{main.threads} threads"
    sure = between(wall.low, wall.high, wall.rough)
    who = "" if main.name == "dispatcher" else f" with {main.name}"
    return (
        f"An image takes {significant(wall.p50)} ms ({sure}){who} on "
        f"{words.engine(main.engine)}, {threads}; one in twenty takes longer than "
        f"{significant(wall.p95)} ms."
    )


def _unsteady(summary: "Summary", main: "SubjectFigure") -> list[str]:
    """Why milliseconds are unsure where ratios are not, if that is so."""
    assert main.latency is not None
    wall = main.latency.wall_ms
    widths = [
        figure.ratio.high / figure.ratio.low - 1
        for figure in summary.ratios
        if figure.clock == "wall" and main.key in (figure.first, figure.second)
        if figure.ratio.low and figure.ratio.high
    ]
    if not widths or not wall.low or wall.high is None:
        return []
    width = wall.high / wall.low - 1
    if width < _WIDE or min(widths) > width / 2:
        return []
    return [
        "That interval is wide because repeats differ. What slows one repeat slows every subject "
        "in it, so ratios, which compare answers of the same round, are surer than milliseconds."
    ]


def _ratios(summary: "Summary", main: "SubjectFigure") -> list[str]:
    """What routing costs and saves, for the main dispatcher."""
    mine = {
        figure.name: figure.ratio
        for figure in summary.ratios
        if figure.clock == "wall" and main.key in (figure.first, figure.second)
    }
    result = []
    if (ratio := mine.get("dispatcher/static")) is not None:
        result.append(_against_static(ratio))
    if (ratio := mine.get("all-experts/dispatcher")) is not None:
        result.append(
            _against("Computing every expert for every image, as a traced model does,", ratio)
        )
    if (ratio := mine.get("dense/dispatcher")) is not None:
        result.append(_against("A dense model (no routing) that does as much work an image", ratio))
    return result


def _against_static(ratio: Ratio) -> str:
    """What knowing the expert beforehand would save."""
    oracle = "Knowing the expert of every image beforehand (the static graph)"
    if ratio.low is None or ratio.high is None:
        return f"{oracle} was compared in one round only, which says nothing sure."
    if ratio.low > 1:
        least, most = 1 - 1 / ratio.low, 1 - 1 / ratio.high
        return (
            f"{oracle} would save {1 - 1 / ratio.value:.1%} of the time "
            f"({'roughly' if ratio.rough else '95%:'} {least:.1%} to {most:.1%})."
        )
    how = f"the dispatcher takes {times(ratio)} times as long ({ratio_between(ratio)})"
    if ratio.high < 1:
        return f"{oracle} would save nothing: {how}."
    return f"{oracle} would make no difference that could be told apart: {how}."


def _against(who: str, ratio: Ratio) -> str:
    """Whether something takes longer than the dispatcher."""
    if ratio.low is None or ratio.high is None:
        return f"{who} was compared in one round only, which says nothing sure."
    if ratio.low <= 1 <= ratio.high:
        return f"{who} was not told apart: {times(ratio)} times as long ({ratio_between(ratio)})."
    return f"{who} takes {times(ratio)} times as long ({ratio_between(ratio)})."


def _routes(summary: "Summary", main: "SubjectFigure") -> list[str]:
    """Expected latency where a distribution was asked for; a route that stands out."""
    found = next((routes for routes in summary.routes if routes.subject == main.key), None)
    if found is None:
        return []
    result = [
        f"Under the given distribution of routes an image takes {significant(expected.ms.value)} "
        f"ms on average ({_interval(expected.ms)})."
        for expected in found.expected
        if expected.under == "given distribution"
    ]
    for worst in found.worst:
        over = worst.over_others
        if worst.told_apart and over is not None and over.value > 1.05:
            stage = f" of stage {worst.stage + 1}" if found.stages > 1 else ""
            result.append(
                f"Route {words.route(worst.route)}{stage} is the slowest: {times(over)} times what "
                "the others take."
            )
    return result


def _first(summary: "Summary", main: "SubjectFigure | None") -> "SubjectFigure | None":
    """The main subject; where no latency was measured, the first dispatcher there is."""
    if main is not None:
        return main
    return next((subject for subject in summary.subjects if subject.name == "dispatcher"), None)


def _interval(estimate: Estimate) -> str:
    """An estimate's interval in words."""
    return between(estimate.low, estimate.high, estimate.rough)


def _start(subject: "SubjectFigure | None") -> list[str]:
    """From a process's start to its first answer."""
    if subject is None or subject.starts is None:
        return []
    total = subject.starts.total_ms
    return [
        f"A fresh process has its first answer after {significant(total.value)} ms "
        f"({_interval(total)}), with the files in the system's cache."
    ]


def _memory(subject: "SubjectFigure | None") -> list[str]:
    """What the model adds to a process, with all experts and with the fewest."""
    if subject is None or not subject.memory:
        return []
    full, least = subject.memory[-1], subject.memory[0]
    text = f"The model adds {megabytes(full.added_bytes.value)} to a process's memory"
    if full is not least and least.budget is not None:
        room = "every expert resident" if full.budget is None else f"room for {full.budget} experts"
        text += (
            f" with {room}, {megabytes(least.added_bytes.value)} with room for "
            f"{count(least.budget, 'expert')}"
        )
    return [text + "."]


def _residency(summary: "Summary", main: "SubjectFigure") -> list[str]:
    """What loading an expert that is not there costs."""
    found = next((r for r in summary.residency if r.subject == main.key), None)
    if found is None or found.budgets[0].cold.ms is None:
        return []
    budget = found.budgets[0]
    cold = budget.cold.ms
    assert cold is not None
    return [
        f"With room for {count(budget.experts, 'expert')}, {budget.cold_share:.0%} of a sequence "
        f"of {found.length} images had to load one, which took {significant(cold.value)} ms more "
        f"({_interval(cold)})."
    ]


def _parity(summary: "Summary", main: "SubjectFigure") -> list[str]:
    """What the export proved of the main target."""
    bundle = summary.bundle(main.bundle)
    target = next((t for t in bundle.targets if t.name == main.target), None) if bundle else None
    if target is None or target.parity is None:
        return []
    parity = target.parity
    if parity.routing_agreement == 1:
        agree = "all took the route that PyTorch takes"
    else:
        agree = f"{parity.routing_agreement:.2%} took the route that PyTorch takes"
    return [f"Of the {parity.images:,} images that the export verified, {agree}."]

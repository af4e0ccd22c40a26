"""The summary in sentences. No sentence says more than an interval of six repeats supports."""

from collections.abc import Iterable
from typing import TYPE_CHECKING

from mvmoe_bench.report import words
from mvmoe_bench.report.estimates import Estimate, Figure
from mvmoe_bench.report.printed import alone, printed
from mvmoe_bench.report.statistics import Ratio, sure
from mvmoe_bench.report.words import count

if TYPE_CHECKING:
    from mvmoe_bench.report.sections.routes.figures import Expected
    from mvmoe_bench.report.summary import SubjectFigure, Summary


_WIDE = 0.25
"""How far apart the ends of an interval are, relative to the lower, to need a word."""
_NEARLY_ALL = 0.95
"""The share of a distribution whose routes were measured, below which a sentence says so."""
_MB = 1e-6


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
    its = printed(wall)
    who = "" if main.name == "dispatcher" else f" with {main.name}"
    tail = "" if wall.few(95) else f"; one in twenty took longer than {alone(wall.p95)} ms"
    return (
        f"An image takes {its.value} ms at the median ({its.sure}){who} on "
        f"{words.engine(main.engine)}, {threads}{tail}."
    )


def _unsteady(summary: "Summary", main: "SubjectFigure") -> list[str]:
    """Why milliseconds are unsure where ratios are not, if that is so."""
    assert main.latency is not None
    wall = main.latency.wall_ms
    widths = [
        figure.ratio.high / figure.ratio.low - 1
        for figure in summary.ratios
        if figure.clock == "wall" and main.key in (figure.first, figure.second)
        if sure(figure.ratio) and figure.ratio.low and figure.ratio.high
    ]
    if not widths or not sure(wall) or not wall.low or wall.high is None:
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
    its = printed(ratio)
    how = f"the dispatcher takes {its.value} times as long ({its.sure})"
    if not sure(ratio) or ratio.low is None or ratio.high is None:
        return f"{oracle} was compared in {words.no_verdict(ratio)}: {how}."
    if ratio.low > 1:
        saved = printed(_saved(ratio), 100, "%")
        return f"{oracle} would save {saved.value} of the time ({saved.sure}): {how}."
    if ratio.high < 1:
        return f"{oracle} would save nothing: {how}."
    return f"{oracle} would make no difference that could be told apart: {how}."


def _saved(ratio: Ratio) -> Estimate:
    """The share of the time that the second of two subjects does without."""
    assert ratio.low is not None
    assert ratio.high is not None
    ends = {"low": 1 - 1 / ratio.low, "high": 1 - 1 / ratio.high}
    return Estimate(
        value=1 - 1 / ratio.value, n=ratio.n, groups=ratio.groups, rough=ratio.rough, **ends
    )


def _against(who: str, ratio: Ratio) -> str:
    """Whether something takes longer than the dispatcher."""
    its = printed(ratio)
    how = f"{its.value} times as long"
    if not sure(ratio) or ratio.low is None or ratio.high is None:
        lead = f"{who} was compared in {words.no_verdict(ratio)}"
        return f"{lead}: {how} as the dispatcher ({its.sure})."
    if ratio.low <= 1 <= ratio.high:
        return f"{who} was not told apart from the dispatcher: {how} ({its.sure})."
    return f"{who} takes {how} as the dispatcher ({its.sure})."


def _routes(summary: "Summary", main: "SubjectFigure") -> list[str]:
    """Expected latency where a distribution was asked for; a route that stands out."""
    found = next((routes for routes in summary.routes if routes.subject == main.key), None)
    if found is None:
        return []
    result = [_expected(it) for it in found.expected if it.under == "given distribution"]
    for worst in found.worst:
        over = worst.over_others
        if worst.told_apart and over is not None and over.value > 1.05:
            stage = f" of stage {worst.stage + 1}" if found.stages > 1 else ""
            its = printed(over)
            result.append(
                f"Route {words.route(worst.route)}{stage} is the slowest: {its.value} times what "
                f"the others take ({its.sure})."
            )
    return result


def _expected(expected: "Expected") -> str:
    """What an image costs under the distribution that was asked for."""
    its, least = printed(expected.ms), min(expected.coverage)
    measured = "" if least > _NEARLY_ALL else f"; only {words.percent(least)} of it was measured"
    return (
        f"Under the given distribution of routes an image takes {its.value} ms on average "
        f"({its.sure}){measured}."
    )


def _first(summary: "Summary", main: "SubjectFigure | None") -> "SubjectFigure | None":
    """The main subject; where no latency was measured, the first dispatcher there is."""
    if main is not None:
        return main
    return next((subject for subject in summary.subjects if subject.name == "dispatcher"), None)


def _start(subject: "SubjectFigure | None") -> list[str]:
    """From opening to the first answer, and what Python takes before."""
    if subject is None or subject.starts is None:
        return []
    ready, python = printed(subject.starts.ready_ms), printed(subject.starts.python_ms)
    return [
        f"In a fresh process, opening and the first answer together take {ready.value} ms "
        f"({ready.sure}), with files that were read before. Before that, starting Python and "
        f"importing its modules takes {python.value} ms ({python.sure}), which an app without "
        "Python does not have."
    ]


def _memory(subject: "SubjectFigure | None") -> list[str]:
    """What the model adds to a process, with all experts and with the fewest."""
    if subject is None or not subject.memory:
        return []
    full, least = subject.memory[-1], subject.memory[0]
    total = full.added.total
    room = "every expert resident" if full.budget is None else _room(full.budget)
    its = printed(total, _MB)
    if sure(total) and (total.low or 0) <= 0 <= (total.high or 0):
        return [
            "What the model adds to a process's memory could not be told apart from nothing: "
            f"{its.value} MB ({its.sure}) with {room}."
        ]
    text = f"With {room} the model adds {its.value} MB ({its.sure}) to a process's memory"
    if full.added.anonymous is not None and full.added.bundle_files is not None:
        anonymous = printed(full.added.anonymous, _MB).value
        files = printed(full.added.bundle_files, _MB).value
        text += f" ({anonymous} MB anonymous, {files} MB of its files)"
    if full is not least and least.budget is not None and least.memory_of == full.memory_of:
        few = printed(least.added.total, _MB)
        text += f", with {_room(least.budget)} {few.value} MB ({few.sure})"
    return [text + "."]


def _room(budget: int) -> str:
    """A budget in words."""
    return f"room for {count(budget, 'expert')}"


def _residency(summary: "Summary", main: "SubjectFigure") -> list[str]:
    """What loading an expert that is not there costs."""
    found = next((r for r in summary.residency if r.subject == main.key), None)
    if found is None or found.budgets[0].cold.ms is None:
        return []
    budget = found.budgets[0]
    cold = budget.cold.ms
    assert cold is not None
    its = printed(cold)
    if sure(cold) and cold.low is not None and cold.low <= 0:
        added = f"without a difference that could be told apart: {its.value} ms more ({its.sure})"
    else:
        added = f"which took {its.value} ms more ({its.sure})"
    return [
        f"With {_room(budget.experts)}, {words.percent(budget.cold_share)} of a sequence of "
        f"{found.length} images had to load one, {added}."
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
        agree = f"{words.agreement(parity.routing_agreement)} took the route that PyTorch takes"
    return [f"Of the {parity.images:,} images that the export verified, {agree}."]

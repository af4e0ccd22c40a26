"""The verdict on each router, with what it rests on and what to do."""

from collections.abc import Iterator

from mvmoe_bench.report import columns
from mvmoe_bench.report.blocks import Block, Cell, Text, Tone, number, text
from mvmoe_bench.report.formatting import count, percent, route
from mvmoe_bench.report.run_summary import Summary
from mvmoe_bench.report.section_part import Point, View
from mvmoe_bench.report.sections.router.figures import RouterOfTarget
from mvmoe_deploy.router_health import StageHealth, Verdict

Found = tuple[RouterOfTarget, ...]

_MOST_EXPERTS = 8
"""Experts without images that a cell names."""

_STAGE = "As the model counts its stages, with those that the export made constant."

_TONES: dict[Verdict | None, Tone] = {
    "collapsed": "bad",
    "unused-experts": "bad",
    "imbalanced": "bad",
    "healthy": "good",
    None: "muted",
}


def view(summary: Summary, found: Found) -> View:
    """A table of routers, then what was found and what to do."""
    several = len(summary.bundles) > 1
    stages = max(row.own_stage for row in found) > 1
    table = columns.table(
        "Verdict on each router",
        ((row, row.health) for row in found),
        *([columns.text("bundle", lambda row, _: row.bundle)] if several else []),
        columns.text("target", lambda row, _: row.target, brief=True),
        *([columns.number("stage", lambda row, _: number(row.own_stage, str(row.own_stage)),
                          _STAGE, brief=True)] if stages else []),
        columns.text("verdict", lambda _, health: _verdict(health), brief=True),
        columns.text("most used route", lambda _, health: route(health.routes[0].route),
                     brief=True),
        columns.share("its share", lambda _, health: health.routes[0].share, brief=True),
        columns.text("95% interval", lambda _, health: _interval(health)),
        columns.number("effective experts", lambda _, health: _effective(health),
                       "As many experts, evenly used, have the same entropy."),
        columns.text("experts without an image", lambda _, health: _unused(health)),
        columns.count("images", lambda _, health: health.images),
    )  # fmt: skip
    blocks: list[Block] = [table]
    if notes := tuple(_notes(summary, found)):
        blocks.append(Text(notes, listed=True))
    held = found[0].health.thresholds
    return View(
        tuple(blocks),
        f"Each image of the run counts once; intervals are exact. Collapsed: the interval of one "
        f"route's share begins at {percent(held.collapsed_share)} or above. Unused experts: that "
        f"of an expert's share ends below a tenth of an even share (0.1 / E of E experts). "
        f"Imbalanced: fewer than E / 2 effective experts. Fewer than {held.least_images} images "
        "give no verdict.",
    )


def recommendations(summary: Summary, found: Found) -> Iterator[Point]:
    """Whether the main subject's routers use their experts, and what to do if not."""
    for row in found:
        if row.subject == summary.main and row.health.verdict is not None:
            several = sum(other.subject == summary.main for other in found) > 1
            stage = f" at stage {row.own_stage}" if several else ""
            yield Point(topic=f"Does the router use its experts{stage}?", text=_advice(row.health))


def _advice(health: StageHealth) -> str:
    """Yes, or what was found and the first way out."""
    if not health.findings:
        used = _effective(health).text
        return f"Yes, evenly: as if {used} experts were used equally often."
    first, ways = health.findings[0], list(_ways(health))
    way = f" {ways[0][:1].upper()}{ways[0][1:]}" if ways else ""
    return f"No, it is {_WORDS[first.verdict]}: {first.sentence}.{way}"


def sentences(summary: Summary, found: Found) -> Iterator[Point]:
    """Routers with a verdict that a reader should act on."""
    for row in found:
        if row.health.findings and row.subject == summary.main:
            first = row.health.findings[0]
            yield Point(
                topic="Routing",
                text=f"The router of stage {row.own_stage} is {_WORDS[first.verdict]}: "
                f"{first.sentence}.",
            )


_WORDS: dict[Verdict, str] = {
    "collapsed": "collapsed",
    "unused-experts": "leaving experts unused",
    "imbalanced": "imbalanced",
}
"""Verdicts in a sentence."""


def _notes(summary: Summary, found: Found) -> Iterator[str]:
    """What was found, and what to do about the verdict."""
    for row in found:
        health, of = row.health, f" of {row.bundle}" if len(summary.bundles) > 1 else ""
        where = f"Target {row.target}{of}, stage {row.own_stage}"
        if health.reason is not None:
            yield f"{where}: no verdict; {health.reason}."
        if health.findings:
            held = "; ".join(f"{each.verdict}: {each.sentence}" for each in health.findings)
            open_questions = "".join(f" ({each.sentence})" for each in health.open_questions)
            yield f"{where}: {held}{open_questions}."
            yield f"{where}, what to do: {'; or: '.join(_ways(health))}"


def _ways(health: StageHealth) -> Iterator[str]:
    """What to do about the verdict, each way with its command."""
    for advice in health.findings[0].advice:
        yield f"{advice.text}: {advice.command}" if advice.command else advice.text


def _verdict(health: StageHealth) -> Cell:
    """The verdict, in its colour."""
    return text(health.verdict or "none", _TONES[health.verdict])


def _interval(health: StageHealth) -> str:
    """The exact interval of the most used route."""
    top = health.routes[0]
    return f"{100 * top.low:.2f} to {100 * top.high:.2f}%"


def _effective(health: StageHealth) -> Cell:
    """Of how many experts."""
    value = health.effective_experts
    shown = None if value is None else f"{value:.2f} of {health.experts}"
    return number(value, shown)


def _unused(health: StageHealth) -> str:
    """The experts that no image uses; of many their number."""
    if len(health.unused) > _MOST_EXPERTS:
        return count(len(health.unused), "expert")
    return ", ".join(map(str, health.unused)) or "-"

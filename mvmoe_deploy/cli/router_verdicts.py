"""What is shown of routers: verdicts, with what they rest on and what to do."""

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from mvmoe_deploy.cli.tables import percent, route_text, table
from mvmoe_deploy.router_health.judging import shown_share
from mvmoe_deploy.text import counted

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

    from mvmoe_deploy.router_health.route_drift import RouteDrift
    from mvmoe_deploy.router_health.stage_health import (
        HealthThresholds,
        ShareOfImages,
        StageHealth,
    )

_MOST_ROWS = 12
"""Routes, or experts, of a stage that are shown; `--json` has all."""

_MOST_STAGES = 4
"""Stages that are all shown in full."""

_MOST_CLASSES = 20
_MOST_COLUMNS = 8
"""Experts of the table of classes: those that most images use."""

_COLOURS = {"collapsed": "red", "unused-experts": "red", "imbalanced": "yellow", "healthy": "green"}


def verdict_line(stage: "StageHealth") -> str:
    """One stage in one line."""
    return f"router of stage {stage.stage}: {verdict_words(stage)}"


def verdict_words(stage: "StageHealth") -> str:
    """`collapsed: 100.0% (99.0 to 100.0) of the images go to expert 3`."""
    if stage.verdict is None:
        return f"no verdict: {stage.reason}"
    if not stage.findings:
        return (
            f"healthy: {counted(stage.images, 'image')} use {stage.experts} experts as evenly as "
            f"{stage.effective_experts or 0:.2f}"
        )
    found = "; ".join(f"{each.verdict}: {each.sentence}" for each in stage.findings)
    return found + "".join(f" ({each.sentence})" for each in stage.open_questions)


def show_stages(out: "Console", stages: "Sequence[StageHealth]") -> None:
    """All stages in full; of many only the first at which something was found."""
    from rich.text import Text

    found = [stage for stage in stages if stage.findings]
    whole = stages if len(stages) <= _MOST_STAGES else found[:_MOST_STAGES]
    for stage in stages:
        if stage in whole:
            out.print()
            _show_stage(out, stage)
    if rest := [stage for stage in stages if stage not in whole]:
        out.print("\nthe other stages (their figures are in --json):")
        for stage in rest:
            out.print(Text(verdict_line(stage)))


def _show_stage(out: "Console", stage: "StageHealth") -> None:
    """A stage: its verdict, what to do, and the figures."""
    from rich.text import Text

    colour = _COLOURS.get(stage.verdict or "", "")
    title = f"router of stage {stage.stage}: {stage.verdict or 'no verdict'}"
    out.print(Text(title, style=f"bold {colour}".strip()))
    for line in _found(stage):
        indented(out, line)
    _show_advice(out, stage)
    if not stage.images:
        return
    for line in _figures(stage):
        indented(out, line)
    indented(out, _thresholds(stage.thresholds), "dim")
    out.print()
    _show_uses(out, stage)
    if stage.classes:
        out.print()
        _show_classes(out, stage)


def _found(stage: "StageHealth") -> Iterator[str]:
    """What the verdict rests on, what holds besides, and what images are too few to say."""
    if stage.reason is not None:
        yield stage.reason
        return
    for number, finding in enumerate(stage.findings):
        yield finding.sentence if number == 0 else f"also {finding.verdict}: {finding.sentence}"
    yield from (f"too few images: {each.sentence}" for each in stage.open_questions)


def _show_advice(out: "Console", stage: "StageHealth") -> None:
    """What to do about the verdict; of what holds besides `--json` has it."""
    from rich.text import Text

    for number, advice in enumerate(stage.findings[0].advice if stage.findings else ()):
        colon = ":" if advice.command else ""
        indented(out, f"{'or' if number else 'what to do'}: {advice.text}{colon}")
        if advice.command:
            # One line, whatever the width: it is there to be pasted.
            out.print(Text(f"    {advice.command}", style="bold"), soft_wrap=True)


def indented(out: "Console", line: str, style: str = "") -> None:
    """A paragraph below a title."""
    from rich.padding import Padding
    from rich.text import Text

    out.print(Padding(Text(line, style=style), (0, 0, 0, 2), expand=False))


def show_drift(out: "Console", drift: "RouteDrift") -> None:
    """How far one engine's routes are those of the reference."""
    indented(out, f"same way as {drift.reference} at all stages: {shown_share(drift.whole_way)}")
    for stage in drift.stages:
        if stage.same_route is None:
            indented(out, f"stage {stage.stage}: no image to compare")
            continue
        others = f"{stage.other_route} of {counted(stage.compared, 'image')} elsewhere"
        ties = f" ({stage.near_ties} of them near ties)" if stage.other_route else ""
        indented(
            out,
            f"stage {stage.stage}: same route {shown_share(stage.same_route)}, {others}{ties}, "
            f"largest error of a logit {stage.largest_logit_error or 0:.1e}",
        )


def _figures(stage: "StageHealth") -> Iterator[str]:
    """How many images, entropies and margins."""
    before = stage.images_before - stage.images
    finished = f"; {before} more were finished before" if before else ""
    yield f"{counted(stage.images, 'image')}, {stage.rule}{finished}"
    yield (
        f"effective number of experts {stage.effective_experts or 0:.2f} of {stage.experts} "
        f"(entropy {stage.expert_entropy or 0:.3f}), of routes {stage.effective_routes or 0:.2f}"
        f"{_of_possible(stage.routes_possible)} (entropy {stage.route_entropy or 0:.3f})"
    )
    if stage.unused:
        yield f"experts that no image uses: {_listed(stage.unused)}"
    margin = stage.margin
    if margin is not None:
        yield (
            f"margins {margin.min:.2g} to {margin.max:.2g}, median {margin.p50:.2g}; nearer to a "
            f"tie than {margin.near_tie_limit:.2g}: {shown_share(margin.near_ties)}"
        )


def _of_possible(routes: int | None) -> str:
    """How many routes there may be; very many by their power of ten."""
    if routes is None:
        return ""
    return f" of {routes:,}" if routes < 10**9 else " of more than a thousand million"


def _thresholds(held: "HealthThresholds") -> str:
    """What the verdict was held against."""
    return (
        f"thresholds: collapsed: a route's lower 95% bound is at least "
        f"{100 * held.collapsed_share:g}%; unused: an expert's upper one is below "
        f"{100 * held.unused_share:.3g}%; imbalanced: fewer than {held.effective_experts:g} "
        f"effective experts; no verdict on fewer than {counted(held.least_images, 'image')}"
    )


def _show_uses(out: "Console", stage: "StageHealth") -> None:
    """Experts, and routes where they are not single experts."""
    experts = sorted(stage.experts_used, key=lambda use: (-use.images, use.expert))
    _show_shares(out, "expert", [(str(use.expert), use) for use in experts])
    if any(len(use.route) > 1 for use in stage.routes):
        out.print()
        _show_shares(out, "route", [(route_text(use.route), use) for use in stage.routes])


def _show_shares(out: "Console", title: str, uses: "Sequence[tuple[str, ShareOfImages]]") -> None:
    """The largest shares, and how many more there are."""
    rows = table(title, "images", "share", "95% interval", right={1, 2, 3})
    for name, use in uses[:_MOST_ROWS]:
        rows.add_row(name, str(use.images), percent(use.share), _interval(use))
    out.print(rows)
    if (left := len(uses) - _MOST_ROWS) > 0:
        out.print(f"... and {left} more {title}s (all are in --json)")


def _show_classes(out: "Console", stage: "StageHealth") -> None:
    """Which experts the images of each class use, as shares of the class."""
    experts = sorted(stage.experts_used, key=lambda use: (-use.images, use.expert))
    shown = sorted(use.expert for use in experts[:_MOST_COLUMNS])
    classes = sorted(stage.classes, key=lambda use: -use.images)[:_MOST_CLASSES]
    rows: Table = table("class", "images", *(f"e{each}" for each in shown), right=range(1, 99))
    for use in sorted(classes, key=lambda use: use.name):
        cells = [_whole_percent(use.experts[each], use.images) for each in shown]
        rows.add_row(use.name, str(use.images), *cells)
    out.print(rows)
    left, others = len(stage.classes) - len(classes), len(experts) - len(shown)
    if left > 0 or others > 0:
        cut = [f"{left} more classes"] * (left > 0) + [f"{others} more experts"] * (others > 0)
        out.print(f"... and {' and '.join(cut)} (all are in --json)")


def _whole_percent(count: int, of: int) -> str:
    """A share of a class in whole per cent; nothing where none of it."""
    return "-" if not count else f"{100 * count / of:.0f}%"


def _interval(use: "ShareOfImages") -> str:
    return f"{100 * use.low:.2f} to {100 * use.high:.2f}"


def _listed(experts: Sequence[int]) -> str:
    """Experts; of many the first."""
    names = ", ".join(map(str, experts[:_MOST_ROWS]))
    left = len(experts) - _MOST_ROWS
    return f"{names} and {left} more" if left > 0 else names

"""Two runs side by side, two commits or two devices: a verdict for each row (`verdicts.py`)."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from mvmoe_bench.measure.jobs.latency import ReferenceMatmul
from mvmoe_bench.measure.schema.records import SubjectRecord
from mvmoe_bench.report.index import Index
from mvmoe_bench.report.printed import printed
from mvmoe_bench.report.run_conditions import differences
from mvmoe_bench.report.run_summary import Summary, summarize_run
from mvmoe_bench.report.section_part import ComparedKind, section_parts
from mvmoe_bench.report.statistics import Figure, Ratio, conclusive, unpaired_ratio
from mvmoe_bench.report.validity import not_valid_sentence
from mvmoe_bench.report.verdicts import Judge, VerdictRow

if TYPE_CHECKING:
    from mvmoe_bench.measure.schema.results import RunLines


class Difference(Figure, frozen=True):
    """Something in which two runs differ."""

    name: str
    a: str
    b: str
    weighty: bool
    """True for what changes times and memory by itself: threads, images, forcing."""


class Comparison(Figure, frozen=True):
    """Two runs, A and B."""

    a: Summary
    b: Summary
    same_machine: bool
    """The same CPU model on the same kind of device."""
    machine: Ratio | None
    """Time of the reference matrix product, B over A."""
    differences: tuple[Difference, ...]
    rows: dict[str, tuple[VerdictRow, ...]]
    """By the kind that is compared (see `compared_kinds`); kinds without a row are left out."""
    headline: tuple[str, ...]


def compared_kinds() -> dict[str, ComparedKind]:
    """All that two runs are compared in, in the order of the sections."""
    return {kind.id: kind for part in section_parts() for kind in part.compared}


def compare_runs(a: "RunLines", b: "RunLines") -> Comparison:
    """Compare two runs; subjects are matched by key."""
    one, two = Index(a), Index(b)
    same = _same_machine(one, two)
    machine = _machine(one, two)
    found = tuple(_difference(*item) for item in differences(a.run, b.run))
    unlike = tuple(item.name for item in found if item.name in _UNLIKE)
    judge = Judge(machine if same else None, unlike)
    kinds = compared_kinds()
    rows = {name: tuple(kind.rows(one, two, judge)) for name, kind in kinds.items()}
    sentences = [text for name, kind in kinds.items() for text in kind.sentences(list(rows[name]))]
    sides = (("A", one), ("B", two))
    weak = [said for name, side in sides if (said := not_valid_sentence(name, side))]
    return Comparison(
        a=summarize_run(a),
        b=summarize_run(b),
        same_machine=same,
        machine=machine,
        differences=found,
        rows={name: some for name, some in rows.items() if some},
        headline=(*sentences, *weak, *_headline(found, same, machine)),
    )


def _same_machine(one: Index, two: Index) -> bool:
    """Whether the reference product connects two runs: one kind of device and known CPU model."""
    cpus = [side.run.identity.get("cpu") for side in (one, two)]
    return one.run.device == two.run.device and cpus[0] == cpus[1] and isinstance(cpus[0], str)


def _machine(one: Index, two: Index) -> Ratio | None:
    """Time of the reference product's operation, second run over first; None without one."""
    first, second = (
        index.per_repeat(
            [line for line in index.of_kind(ReferenceMatmul) if line.ns and line.flop],
            lambda line: line.ns / line.flop,
        )
        for index in (one, two)
    )
    return unpaired_ratio(second, first) if first and second else None


_UNLIKE = ("threads", "images", "forced routes", "distribution")
"""With these different, two runs measured different things: there is no verdict."""
_WEIGHTY = (*_UNLIKE, "preset")


def _difference(name: str, a: Any, b: Any) -> Difference:
    """One difference for people."""
    return Difference(name=name, a=_text(a), b=_text(b), weighty=name in _WEIGHTY)


def _text(value: Any) -> str:
    """A value of a run as text."""
    if value is None:
        return "-"
    if isinstance(value, SubjectRecord):
        choice = value.requested
        shown = (value.target, choice.engine, choice.provider)
        return ", ".join(str(part) for part in shown if part)
    if isinstance(value, list | tuple):
        return ", ".join(map(str, value))
    return str(value)


def _headline(found: Sequence[Difference], same: bool, machine: Ratio | None) -> list[str]:
    """What the runs differ in, and how the machine changed, in sentences."""
    result = []
    others = [difference.name for difference in found if not difference.weighty]
    if others:
        more = f" and {len(others) - 5} more" if len(others) > 5 else ""
        result.append(f"A and B differ in {', '.join(others[:5])}{more}.")
    weighty = [difference.name for difference in found if difference.weighty]
    if weighty:
        result.append(
            f"Beware: the runs differ in {', '.join(weighty)}, which changes times by itself."
        )
    if not same:
        known = any(difference.name in ("CPU model", "device") for difference in found)
        where = "They were made on different machines" if known else "Their CPU model is not known"
        result.append(
            f"{where}: a verdict is of bundle and machine together, and the reference product does "
            "not connect them."
        )
    elif machine is None:
        result.append(
            "Without the reference product in both runs, a change of the machine is not noticed."
        )
    else:
        shown = printed(machine)
        beyond = "only what goes beyond that counts as faster or slower"
        if not conclusive(machine):
            beyond = "too few repeats to judge a time by"
        result.append(
            f"On the same CPU model, the machine itself took {shown.value} times as long in B "
            f"({shown.interval}); {beyond}."
        )
    return result

"""A report on runs of several devices: each with its own figures, on one page.

Python, the JVM, Swift and phones are never one distribution: nothing is pooled but what was
measured in the same way on the same device.
"""

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from mvmoe_bench.report import columns
from mvmoe_bench.report.blocks import Document, Section, TableBlock
from mvmoe_bench.report.document import alerts, terms
from mvmoe_bench.report.formatting import count, threads
from mvmoe_bench.report.run_conditions import differences, merge
from mvmoe_bench.report.run_summary import Summary, summarize_run
from mvmoe_bench.report.section_part import Measured, SectionPart, section_parts

if TYPE_CHECKING:
    from mvmoe_bench.measure.schema.results import RunLines

_INTRO = (
    "Each was measured by itself, with its own engines: figures stand side by side and are never "
    "pooled. In brackets stand 95% intervals, 'roughly' where fewer than six repeats make them "
    "unsure. What differs between two devices is device, system and engine together; between two "
    "runs of one device it is what their names and the last table say."
)


def side_by_side(runs: "Sequence[RunLines]") -> Document:
    """The document of all runs; those of the same conditions are put together first."""
    found = _named([summarize_run(merge(alike)) for alike in _alike(runs)])
    parts = section_parts()
    first, sections = (
        [
            made
            for part in parts
            if part.first is early and (made := _section(part, found)) is not None
        ]
        for early in (True, False)
    )
    return Document(
        title=f"{count(len(found), 'run')} side by side",
        subtitle="; ".join(f"{name}, {summary.started[:10]}" for name, summary in found),
        intro=_INTRO,
        alerts=tuple(f"{name}: {alert}" for name, summary in found for alert in alerts(summary)),
        summary=tuple(_summaries(found)),
        tiles=(),
        recommendations=tuple(_recommendations(found)),
        first=tuple(first),
        sections=(*sections, Section("devices", "Devices", (_devices(found),)), _glossary(found)),
    )


def _alike(runs: "Sequence[RunLines]") -> "list[list[RunLines]]":
    """Runs in groups of the same conditions, in the order that they were given."""
    groups: list[list[RunLines]] = []
    for run in runs:
        for group in groups:
            if not differences(group[0].run, run.run):
                group.append(run)
                break
        else:
            groups.append([run])
    return groups


def _named(summaries: Sequence[Summary]) -> list[tuple[str, Summary]]:
    """Each with a name of its own: its model, or its device, and what tells it from others of it.

    That is the bundle, the preset, or the threads; where none of them does, a number.
    """
    named: list[tuple[str, Summary]] = []
    for summary in summaries:
        known = [name for name, _ in named]
        alike = [other for other in summaries if _device(other) == _device(summary)]
        told = zip(*map(_asked, alike), strict=True)
        differing = [len(set(values)) > 1 for values in told]
        words = [word for word, tells in zip(_asked(summary), differing, strict=True) if tells]
        name = plain = ", ".join([_device(summary), *words])
        number = 2
        while name in known:
            name, number = f"{plain} ({number})", number + 1
        named.append((name, summary))
    return named


def _device(summary: Summary) -> str:
    """What a device is called."""
    return str(summary.identity.get("model") or summary.device)


def _asked(summary: Summary) -> tuple[str, str, str]:
    """What was asked of a device."""
    bundles = ", ".join(bundle.name for bundle in summary.bundles)
    return bundles, summary.preset.name, threads(summary.threads)


def _section(part: SectionPart[Any], found: Sequence[tuple[str, Summary]]) -> Section | None:
    """A section over all devices that have its figures; None if it shows none side by side."""
    measured = [
        Measured(name, summary, figures)
        for name, summary in found
        if (figures := summary.of(part)) is not None
    ]
    view = part.beside(measured) if measured else None
    return None if view is None else Section(part.name, part.title, view.blocks, view.lead)


def _recommendations(found: Sequence[tuple[str, Summary]]) -> Iterator[tuple[str, str]]:
    """The first recommendation of each run."""
    for name, summary in found:
        said = next(iter(summary.recommendations()), None)
        if said is not None:
            yield name, said.text


def _summaries(found: Sequence[tuple[str, Summary]]) -> Iterator[tuple[str, str]]:
    """What each run says first."""
    for name, summary in found:
        first = next(iter(summary.headline()), None)
        if first is not None:
            yield name, first.text


def _devices(found: Sequence[tuple[str, Summary]]) -> TableBlock:
    """What was measured where."""
    return columns.table(
        "Where and how each was measured",
        found,
        columns.text("device", lambda name, _: name, brief=True),
        columns.text("kind", lambda _, summary: summary.device),
        columns.text("CPU", lambda _, summary: summary.identity.get("cpu")),
        columns.text("system", lambda _, summary: summary.identity.get("os"), brief=True),
        columns.text("preset", lambda _, summary: summary.preset.name),
        columns.text("threads", lambda _, summary: threads(summary.threads)),
        columns.text("bundles", lambda _, summary: ", ".join(b.name for b in summary.bundles)),
        columns.count("repeats", lambda _, summary: summary.repeats),
    )


def _glossary(found: Sequence[tuple[str, Summary]]) -> Section:
    """The terms of all."""
    pairs = {term: meaning for _, summary in found for term, meaning in terms(summary).pairs}
    return Section("terms", "Terms", (type(terms(found[0][1]))(tuple(pairs.items())),))

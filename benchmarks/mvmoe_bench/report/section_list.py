"""The sections of a report on one run, one file each: a summary in, plots and tables out."""

from collections.abc import Callable

from mvmoe_bench.report.blocks import Section
from mvmoe_bench.report.sections.classes.view import classes
from mvmoe_bench.report.sections.latency.view import latency
from mvmoe_bench.report.sections.machine.view import machine
from mvmoe_bench.report.sections.memory.view import memory
from mvmoe_bench.report.sections.method.view import method
from mvmoe_bench.report.sections.parity.view import parity
from mvmoe_bench.report.sections.parts.view import parts
from mvmoe_bench.report.sections.placement.view import placement
from mvmoe_bench.report.sections.ratios.view import ratios
from mvmoe_bench.report.sections.residency.view import residency
from mvmoe_bench.report.sections.routes.view import routes
from mvmoe_bench.report.sections.size.view import size
from mvmoe_bench.report.sections.starts.view import starts
from mvmoe_bench.report.summary import Summary

Maker = Callable[[Summary], Section | None]

MAKERS: tuple[tuple[str, Maker], ...] = (
    ("latency", latency),
    ("ratios", ratios),
    ("parts of an answer", parts),
    ("routes", routes),
    ("residency", residency),
    ("memory", memory),
    ("starts", starts),
    ("bundle size", size),
    ("classes and experts", classes),
    ("parity", parity),
    ("placement", placement),
    ("the machine's speed", machine),
    ("method", method),
)
"""In the order of the report, each with what is missing where it gives None."""


def sections(summary: Summary) -> tuple[tuple[Section, ...], tuple[str, ...]]:
    """The sections that a run has data for, and the names of those it has none for."""
    made = [(name, make(summary)) for name, make in MAKERS]
    there = tuple(section for _, section in made if section is not None)
    return there, tuple(name for name, section in made if section is None)

"""The sections of a report on one run, one file each: a summary in, plots and tables out."""

from collections.abc import Callable

from mvmoe_bench.figures.summary import Summary
from mvmoe_bench.reporting.blocks import Section
from mvmoe_bench.reporting.sections.classes import classes
from mvmoe_bench.reporting.sections.latency import latency
from mvmoe_bench.reporting.sections.machine import machine
from mvmoe_bench.reporting.sections.memory import memory
from mvmoe_bench.reporting.sections.method import method
from mvmoe_bench.reporting.sections.parity import parity
from mvmoe_bench.reporting.sections.parts import parts
from mvmoe_bench.reporting.sections.placement import placement
from mvmoe_bench.reporting.sections.ratios import ratios
from mvmoe_bench.reporting.sections.residency import residency
from mvmoe_bench.reporting.sections.routes import routes
from mvmoe_bench.reporting.sections.size import size
from mvmoe_bench.reporting.sections.starts import starts

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

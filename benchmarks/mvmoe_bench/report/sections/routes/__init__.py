"""The section on routes: what each costs, and what an image costs under their shares."""

from functools import partial

from mvmoe_bench.report.section_part import ComparedKind, SectionPart
from mvmoe_bench.report.sections.routes.figures import compared_times, routes
from mvmoe_bench.report.sections.routes.view import sentences, view
from mvmoe_bench.report.verdicts import time_rows

PART = SectionPart(
    name="routes",
    title="Routes",
    order=400,
    figures=routes,
    view=view,
    sentences=sentences,
    compared=(
        ComparedKind(
            id="expected",
            title="Expected latency",
            lead="Mean over routes under the given distribution, else under the bundle's usage "
            "prior.",
            rows=partial(time_rows, compared_times),
        ),
    ),
    terms=(
        ("expert", "Weights that only some images use."),
        ("route", "The set of experts that one image uses at one routed stage; 2+7 means two of "
         "them."),
        ("routed stage", "A place in the model with a router and experts of its own."),
        ("usage prior", "The share of images that takes each route, as the bundle's manifest "
         "says."),
        ("forced", "An image was sent down a route that was not its own, so that all are "
         "measured."),
    ),
)  # fmt: skip

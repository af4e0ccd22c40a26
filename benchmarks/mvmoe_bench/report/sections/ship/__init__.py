"""The section that a reader sees first: which target to ship, by all that speaks for it."""

from mvmoe_bench.report.section_part import SectionPart
from mvmoe_bench.report.sections.ship.figures import shipping
from mvmoe_bench.report.sections.ship.view import beside, recommendations, view

PART = SectionPart(
    name="ship",
    title="Which target should I ship?",
    order=50,
    first=True,
    figures=shipping,
    view=view,
    missing="targets",
    recommendations=recommendations,
    beside=beside,
)

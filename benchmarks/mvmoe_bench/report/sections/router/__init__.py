"""The section on routers: whether they send images to several experts, with a verdict."""

from mvmoe_bench.report.section_part import SectionPart
from mvmoe_bench.report.sections.router.figures import router_verdicts
from mvmoe_bench.report.sections.router.view import recommendations, sentences, view

PART = SectionPart(
    name="router",
    title="Routers",
    order=890,
    figures=router_verdicts,
    view=view,
    recommendations=recommendations,
    sentences=sentences,
    missing="the routes of real images",
    terms=(
        ("effective experts", "As many experts, evenly used, have the same entropy as the shares "
         "that were counted."),
        ("collapsed", "Said of a router that sends nearly all images down one route."),
    ),
)  # fmt: skip

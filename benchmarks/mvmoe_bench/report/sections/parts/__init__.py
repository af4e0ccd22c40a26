"""The section on the parts of an answer: decode, resize, stem, select, load, expert, rest."""

from mvmoe_bench.report.section_part import SectionPart
from mvmoe_bench.report.sections.parts.figures import parts
from mvmoe_bench.report.sections.parts.view import beside, picture, recommendations, view

PART = SectionPart(
    name="parts",
    title="Where the time goes",
    order=300,
    figures=parts,
    view=view,
    missing="parts of an answer",
    recommendations=recommendations,
    picture=picture,
    beside=beside,
    terms=(
        ("decode, resize", "Reading an image's file and decoding it; making the model's input of "
         "it: resizing, cropping, normalising. Measured apart, on this machine only."),
        ("stem", "What every image runs first; it ends in the router's logits, which pick the "
         "route."),
        ("select, load, expert, rest", "What follows the stem: picking the route, finding its "
         "graph in memory or bringing it there, running it, and copying in and out."),
    ),
)  # fmt: skip

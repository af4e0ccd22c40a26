"""The section on residency: what keeping fewer experts in memory costs."""

from mvmoe_bench.report.section_part import SectionPart
from mvmoe_bench.report.sections.residency.figures import residency
from mvmoe_bench.report.sections.residency.view import picture, recommendations, sentences, view

PART = SectionPart(
    name="residency",
    title="Fewer experts in memory",
    order=600,
    figures=residency,
    view=view,
    missing="residency",
    recommendations=recommendations,
    sentences=sentences,
    picture=picture,
    terms=(
        ("residency", "Which experts are in memory; with little room the least recently used one "
         "is released."),
        ("cold, warm", "A cold answer had to load an expert first, a warm one found it in memory."),
        ("cold switch, warm switch", "What an answer takes more for having loaded another expert, "
         "or for having found another one in memory, than one that kept the route."),
    ),
)  # fmt: skip

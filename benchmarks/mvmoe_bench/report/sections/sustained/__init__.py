"""The section on long runs: how fast a device answers for minutes, and how warm it gets."""

from mvmoe_bench.report.section_part import SectionPart
from mvmoe_bench.report.sections.sustained.beside import beside
from mvmoe_bench.report.sections.sustained.figures import long_runs, timed
from mvmoe_bench.report.sections.sustained.view import picture, sentences, view

PART = SectionPart(
    name="sustained",
    title="Without a pause",
    order=650,
    figures=long_runs,
    view=view,
    missing="answers without a pause",
    sentences=sentences,
    timed=timed,
    picture=picture,
    beside=beside,
    terms=(
        ("thermal status", "What a phone says of its heat: none, light, moderate, severe, "
         "critical, emergency, shutdown. From moderate on Android takes speed away. On iOS none is "
         "nominal, light fair, severe serious."),
        ("headroom", "How near a phone is to severe throttling, which begins at 1."),
    ),
)  # fmt: skip

"""The section on latency: how long an image takes, by subject."""

from mvmoe_bench.report.section_part import SectionPart
from mvmoe_bench.report.sections.latency.beside import beside
from mvmoe_bench.report.sections.latency.compared import KINDS
from mvmoe_bench.report.sections.latency.figures import latencies, timed
from mvmoe_bench.report.sections.latency.view import picture, sentences, tiles, view

PART = SectionPart(
    name="latency",
    title="Latency",
    order=100,
    figures=latencies,
    view=view,
    sentences=sentences,
    tiles=tiles,
    timed=timed,
    picture=picture,
    beside=beside,
    compared=KINDS,
    terms=(
        ("median, p50", "Half of the answers take longer, half do not: each repeat's median first, "
         "then the median of these. Steadier than a mean."),
        ("p90", "One answer in ten takes longer than this."),
        ("p95", "One answer in twenty takes longer than this."),
        ("MAD", "Median absolute deviation: half of the answers lie nearer to the median than "
         "this."),
        ("wall, CPU", "Time that passed, and time that the calling thread computed."),
        ("logits", "The numbers that a model gives for each class, or a router for each expert."),
    ),
)  # fmt: skip

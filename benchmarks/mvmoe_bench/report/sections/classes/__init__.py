"""The section on classes: which route images of each class take."""

from mvmoe_bench.report.section_part import SectionPart
from mvmoe_bench.report.sections.classes.figures import class_maps
from mvmoe_bench.report.sections.classes.view import view

PART = SectionPart(
    name="classes",
    title="Classes and experts",
    order=900,
    figures=class_maps,
    view=view,
    missing="classes and experts",
)

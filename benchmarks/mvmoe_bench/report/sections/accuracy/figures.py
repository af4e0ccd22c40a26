"""Right answers of a run: see `right_answers.py`, which other sections use too."""

from mvmoe_bench.report.index import Index
from mvmoe_bench.report.right_answers import RightAnswers, right_answers


def accuracy(index: Index) -> tuple[RightAnswers, ...] | None:
    """Of every bundle; None where no image has a label and no export said anything."""
    return right_answers(index) or None

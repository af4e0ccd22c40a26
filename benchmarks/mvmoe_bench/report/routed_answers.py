"""Answers that say which route their image took."""

from mvmoe_bench.measure.jobs.answers import Answer
from mvmoe_bench.measure.schema.records import SubjectRecord
from mvmoe_bench.report.index import Index
from mvmoe_bench.report.subjects import is_product


def products_with_routes(index: Index, bundle: str) -> list[SubjectRecord]:
    """The products of a bundle whose answers say their routes, in the order of the run."""
    return [
        subject
        for subject in index.run.subjects
        if subject.bundle == bundle
        and is_product(subject)
        and any(line.routes for line in index.answers.get(subject.key, []))
    ]


def routed_answers(index: Index, subject: str) -> list[Answer]:
    """The last answer of a subject to each image that says its routes."""
    lines = (line for line in index.answers[subject] if line.routes)
    return list({line.image: line for line in lines}.values())

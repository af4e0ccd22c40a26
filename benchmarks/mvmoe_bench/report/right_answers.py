"""How many images each model answers rightly: of this run, or of the export's verification.

Of this run where images have labels and routes are the router's own: every target's answers, and
those of PyTorch's models (`reference` lines). Of the export where its manifest says so. What a
target loses is counted image by image against the routed PyTorch model, as `mvmoe verify` does.
"""

from collections.abc import Iterator, Mapping
from typing import Literal

import numpy as np
from msgspec.structs import replace

from mvmoe_bench.measure.jobs.answers import Answer, ReferenceAnswers
from mvmoe_bench.measure.schema.records import BundleRecord, SubjectRecord
from mvmoe_bench.report.index import Index
from mvmoe_bench.report.manifest_record import read
from mvmoe_bench.report.statistics import Figure
from mvmoe_bench.report.subjects import is_product
from mvmoe_deploy.bundle.manifest import Verification
from mvmoe_deploy.outputs.class_counts import paired_accuracy
from mvmoe_deploy.router_health.binomial_intervals import exact_intervals

Who = Literal["dense", "routed", "target"]
Graded = Mapping[int, bool]
"""By the number of a labelled image, whether it was answered rightly."""


class RightAnswers(Figure, frozen=True):
    """The right answers of one model to labelled images, as shares; intervals are of 95%."""

    bundle: str
    who: Who
    """`dense` and `routed` are PyTorch's models, `target` is one of the bundle's."""
    subject: str | None
    """Key of the target's subject; None of PyTorch's models, and of what the export says."""
    target: str | None
    images: int
    share: float
    """Images whose best class is right; of boxes the mean average precision."""
    low: float | None
    """Exact (Clopper and Pearson); None where the share is no count of images."""
    high: float | None
    loss: float | None
    """What a target loses of the routed model's share; None where that is not known."""
    least_loss: float | None
    most_loss: float | None
    of_run: bool
    """Whether the images are this run's; else they are the export's."""


def right_answers(index: Index) -> tuple[RightAnswers, ...]:
    """Of each bundle: the dense model, the routed one, then its targets."""
    return tuple(row for bundle in index.run.bundles for row in _of_bundle(index, bundle))


def _of_bundle(index: Index, bundle: BundleRecord) -> Iterator[RightAnswers]:
    """What this run says, and of targets that it says nothing of what the export said."""
    targets = _graded_targets(index, bundle)
    known = _references(index, bundle, targets)
    for who, graded in known.items():
        yield _counted(bundle, who, graded)
    routed = known.get("routed")
    for subject, graded in targets:
        yield _counted(bundle, "target", graded, subject, routed)
    measured = {subject.target for subject, _ in targets}
    yield from _of_export(bundle, measured, any(who == "routed" for who in known))


def _graded_targets(
    index: Index, bundle: BundleRecord
) -> list[tuple[SubjectRecord, dict[int, bool]]]:
    """The products of a bundle with what they answered, those that answered every labelled image.

    Others (a subject that failed) would be of easier or harder images.
    """
    if index.run.inputs.forced:
        return []
    found = [
        (subject, _grades(index.answers.get(subject.key, []), bundle))
        for subject in index.run.subjects
        if subject.bundle == bundle.name and is_product(subject)
    ]
    most = max((len(graded) for _, graded in found), default=0)
    return [(subject, graded) for subject, graded in found if graded and len(graded) == most]


def _grades(answers: list[Answer], bundle: BundleRecord) -> dict[int, bool]:
    """By image, whether the last answer to it is its class."""
    return {
        line.image: _name(line.answer, bundle) == line.label
        for line in answers
        if line.label is not None and line.answer is not None
    }


def _name(answer: int, bundle: BundleRecord) -> str:
    """The name of a class; its number where it has none."""
    labels = bundle.labels
    return labels[answer] if labels and answer < len(labels) else str(answer)


def _references(
    index: Index, bundle: BundleRecord, targets: list[tuple[SubjectRecord, dict[int, bool]]]
) -> dict[Who, Graded]:
    """PyTorch's models, the dense one first; only beside targets, whose lines name the images."""
    lines = [x for x in index.of_kind(ReferenceAnswers) if x.bundle == bundle.name]
    if not targets:
        return {}
    images = targets[0][1]
    found: dict[Who, Graded] = {}
    for line in sorted(lines, key=lambda line: line.model):
        if line.images == len(images):
            wrong = set(line.wrong)
            found[line.model] = {image: image not in wrong for image in images}
    return found


def _counted(
    bundle: BundleRecord,
    who: Who,
    graded: Graded,
    subject: SubjectRecord | None = None,
    routed: Graded | None = None,
) -> RightAnswers:
    """Counts of images with their intervals, and the loss against the routed model."""
    right = np.array([graded[image] for image in sorted(graded)])
    low, high = exact_intervals(float(right.sum()), len(right))
    compared = None
    if routed is not None:
        compared = paired_accuracy(np.array([routed[image] for image in sorted(graded)]), right)
    return RightAnswers(
        bundle=bundle.name,
        who=who,
        subject=None if subject is None else subject.key,
        target=None if subject is None else subject.target,
        images=len(right),
        share=float(right.mean()),
        low=float(low),
        high=float(high),
        loss=None if compared is None else compared.loss,
        least_loss=None if compared is None else compared.least_loss,
        most_loss=None if compared is None else compared.most_loss,
        of_run=True,
    )


def _of_export(
    bundle: BundleRecord, measured: set[str | None], routed_known: bool
) -> Iterator[RightAnswers]:
    """What the manifest says of targets that this run does not, and of PyTorch's routed model."""
    for target, record in bundle.targets.items():
        parity = record.get("parity")
        said = read(parity.get("verification"), Verification) if isinstance(parity, dict) else None
        accuracy = None if said is None else said.accuracy
        if accuracy is None or target in measured:
            continue
        reference = RightAnswers(
            bundle=bundle.name, who="routed", subject=None, target=None, images=accuracy.images,
            share=accuracy.reference, low=None, high=None, loss=None, least_loss=None,
            most_loss=None, of_run=False,
        )  # fmt: skip
        if not routed_known:
            routed_known = True
            yield reference
        yield replace(
            reference, who="target", target=target, share=accuracy.target, loss=accuracy.loss,
            least_loss=accuracy.least_loss, most_loss=accuracy.most_loss,
        )  # fmt: skip

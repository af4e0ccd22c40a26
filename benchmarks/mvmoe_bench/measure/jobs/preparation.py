"""What an answer takes before the model begins: reading and decoding an image, and resizing it.

Only on the machine that this program runs on, and only of real images: those of a directory as
they are, those of a data set as PNG files.
"""

import os
from collections.abc import Iterator
from time import perf_counter_ns

from mvmoe_bench.measure.jobs.contract import Job, Measurement, Plan
from mvmoe_bench.measure.jobs.order_process import Session
from mvmoe_bench.measure.schema.orders import Query, SubjectOrder
from mvmoe_bench.measure.schema.records import Count, Ns, RepeatRecord
from mvmoe_deploy.bundle import Bundle
from mvmoe_deploy.preprocessing.transform import decode, normalize, resize


class PreparationSample(RepeatRecord, tag="preparation", frozen=True):
    """One picture that became an input."""

    image: Count
    """Its number among the pictures that were asked for."""
    decode_ns: Ns
    """Reading the file, decoding it and turning it upright."""
    resize_ns: Ns
    """Resizing, cropping and normalising."""

    def is_plausible(self) -> bool:
        """Whether time has passed."""
        return self.decode_ns + self.resize_ns > 0


class PreparationMeasurement(Measurement):
    """Pictures as a bundle's input: as the first dispatcher of each bundle prepares them."""

    name = "preparation"
    position = 25
    records = (PreparationSample,)
    reads_pictures = True
    is_decisive = False

    def jobs(self, plan: Plan, repeat: int) -> Iterator[Job]:
        """One process a repeat, where there are pictures."""

        def subjects() -> Iterator[SubjectOrder]:
            alive = plan.alive([each for each in plan.subjects if each.dispatches])
            first = {each.record.bundle: each for each in reversed(alive)}
            queries = [Query(image=number) for number in range(len(plan.pictures))]
            for subject in first.values():
                yield plan.order(subject, queries)

        if plan.pictures and repeat < plan.preset.repeats:
            yield Job(f"{self.name}:{repeat}", self, repeat, subjects)

    def measure(self, session: Session, subject: SubjectOrder) -> None:
        """Each picture once; before that the first one, which brings the decoder into memory."""
        root, pin = os.path.realpath(subject.root), subject.manifest_sha256
        spec = Bundle.open(root, pin, plugins=subject.plugins).manifest.input
        files, fields = session.order.names, session.fields_of(subject)
        normalize(resize(decode(files[0], spec), spec), spec)
        for query in subject.queries:
            start = perf_counter_ns()
            image = decode(files[query.image], spec)
            decoded = perf_counter_ns()
            normalize(resize(image, spec), spec)
            session.emit(
                PreparationSample(
                    **fields,
                    image=query.image,
                    decode_ns=decoded - start,
                    resize_ns=perf_counter_ns() - decoded,
                )
            )


PART = PreparationMeasurement()

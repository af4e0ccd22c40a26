"""What a product's answers take above its graphs alone, paired by repeat and round."""

from mvmoe_bench.measure.schema.records import SubjectRecord
from mvmoe_bench.report.index import Index
from mvmoe_bench.report.statistics import US, Estimate, Figure, PerRepeat
from mvmoe_bench.report.subjects import beside, is_product, look_of


class HostTime(Figure, frozen=True):
    """One product and its graphs alone."""

    subject: str
    """Key of the product."""
    floor: str
    """Key of the subject that runs the product's graphs and nothing else."""
    us: Estimate
    """Microseconds an image: the median of differences of one round."""


def host_time(index: Index) -> tuple[HostTime, ...] | None:
    """The host time of each product that was measured beside its graphs alone."""
    subjects = index.run.subjects
    found = [
        HostTime(subject=product.key, floor=floor.key, us=above.estimate())
        for product in subjects
        for floor in subjects
        if is_product(product) and look_of(floor.name).is_floor and beside(product, floor)
        if (above := _above(index, product, floor))
    ]
    return tuple(found) or None


def _above(index: Index, product: SubjectRecord, floor: SubjectRecord) -> PerRepeat:
    """The differences of rounds that have both; what slows a round for both cancels out."""
    least = {(sample.repeat, sample.round): sample.ns for sample in index.natural(floor.key)}
    pairs = [
        (US * (sample.ns - least[key]), sample.repeat)
        for sample in index.natural(product.key)
        if (key := (sample.repeat, sample.round)) in least
    ]
    values, repeats = [value for value, _ in pairs], [repeat for _, repeat in pairs]
    return PerRepeat.of(values, repeats, index.run.seed)

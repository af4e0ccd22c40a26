"""Subject `zeros`: answers zeros at once."""

import numpy as np

from mvmoe_bench.measure.schema.orders import Query, SubjectOrder
from mvmoe_bench.measure.schema.records import EngineChoice
from mvmoe_bench.measure.subjects.contract import Preparation, Stopwatch, Subject, SubjectLook


class Zeros(Subject):
    """Does nothing."""

    actual = EngineChoice(engine="nothing")

    def answer(self, query: Query) -> np.ndarray:
        """Zeros."""
        return np.zeros((1, 10), np.float32)


class ZerosKind:
    """What not computing costs."""

    name = "zeros"
    per_target = True
    needs_model = False
    answers = None
    is_started_alone = False
    holds_one_route = False
    look = SubjectLook(description="zeros at once", ratio_meaning="zeros, over the dispatcher")

    def prepare(self, request: Preparation) -> str:
        """Needs nothing."""
        return str(request.bundle.path)

    def make(self, order: SubjectOrder, images: np.ndarray, watch: Stopwatch) -> Zeros:
        """Ready at once."""
        return Zeros()


PART = ZerosKind()

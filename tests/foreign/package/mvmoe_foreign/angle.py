"""Output kind `angle`: a direction in the plane, as its cosine and sine."""

import msgspec
import numpy as np

from mvmoe_deploy.outputs.contract import Decisions, OutputKind, Table, finite_images


class AngleData(msgspec.Struct, frozen=True):
    """An angle in degrees, from -180 to 180."""

    degrees: float


class Angle(OutputKind):
    """`[2]`: two angles agree by the part of a half turn that is not between them."""

    name = "angle"
    form = "[2]"
    measure = "share of a half turn"

    def fits(self, shape):
        return shape == (2,)

    def agreement(self, given, wanted, limit=-1.0):
        finite = finite_images(given, wanted)
        apart = np.abs(_degrees(given) - _degrees(wanted))
        agreement = np.where(finite, 1 - np.minimum(apart, 360 - apart) / 180, 0.0)
        return Decisions(agreement, np.ones(len(wanted), bool))

    def least_agreement(self, bounds):
        return 1 - bounds.answer_error

    def data(self, value, labels, transform=None):
        return AngleData(float(_degrees(value[None])[0]))

    def describe(self, value, labels, transform=None):
        return Table(("degrees",), ((f"{self.data(value, labels).degrees:.1f}",),))


def _degrees(vectors):
    """The angles of `[n, 2]`, `[n]`."""
    return np.degrees(np.arctan2(vectors[:, 1], vectors[:, 0]))


PART = Angle()

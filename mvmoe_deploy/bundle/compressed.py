"""Checks of what a target says of its compression, and of the accuracy that this cost."""

from collections.abc import Sequence

from mvmoe_deploy.bundle.manifest import Calibration, Target
from mvmoe_deploy.bundle.manifest_faults import inconsistent
from mvmoe_deploy.routing import Rule
from mvmoe_deploy.text import quoted


def check_compressed(name: str, target: Target, rules: Sequence[Rule]) -> None:
    """Raise BundleError unless the records fit the target's graphs and the rules of its stages."""
    _check_left(name, target)
    if target.compression is not None and target.compression.calibration is not None:
        _check_calibration(name, target.compression.calibration, rules)
    _check_accuracy(name, target)


def _check_left(name: str, target: Target) -> None:
    """Layers that were left are of graphs that the target has."""
    if target.compression is None:
        return
    graphs = {graph.name for graph in target.graphs}
    for layer in target.compression.left:
        if layer.graph not in graphs:
            raise inconsistent(
                f"target {name} has the layer {quoted(layer.layer)} that was not compressed in "
                f"graph {layer.graph}, which it does not have"
            )


def _check_calibration(name: str, calibration: Calibration, rules: Sequence[Rule]) -> None:
    """Images are counted for each expert of each routed stage."""
    wanted = [rule.experts for rule in rules]
    for field, rows in (("routed", calibration.routed), ("forced", calibration.forced)):
        found = [len(row) for row in rows]
        if found != wanted:
            raise inconsistent(
                f"the calibration of target {name} has the {field} images of {found[:8]} experts "
                f"by stage, where {wanted[:8]} are expected"
            )


def _check_accuracy(name: str, target: Target) -> None:
    """The interval of what is lost begins before it ends."""
    verification = target.parity and target.parity.verification
    accuracy = verification and verification.accuracy
    if accuracy and accuracy.least_loss > accuracy.most_loss:
        raise inconsistent(
            f"target {name} loses at least {accuracy.least_loss:g} and at most "
            f"{accuracy.most_loss:g} of its accuracy; expected the smaller number first"
        )

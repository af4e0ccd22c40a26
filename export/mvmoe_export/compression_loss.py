"""How many right answers compression may cost, and what to do where it costs too much."""

from mvmoe_deploy.bundle.manifest import Manifest, VerifiedAccuracy
from mvmoe_deploy.errors import CheckFailedError, InputError
from mvmoe_deploy.samples import Samples
from mvmoe_export.calibration import CalibrationRequest


def require_measurable(
    max_loss: float | None, calibration: CalibrationRequest | None, *, skip_verify: bool
) -> None:
    """Refuse a bound on the loss that nothing will measure; raises InputError."""
    if max_loss is None:
        return
    if not 0 <= max_loss <= 100:
        raise InputError(
            f"--max-loss is {max_loss}; give points of right answers, from 0 to 100",
            code="input.option",
            name="max-loss",
            given=max_loss,
        )
    if calibration is None or skip_verify:
        raise InputError(
            "--max-loss was given, but nothing would measure a loss; give --calibrate with images "
            "in folders of their classes, and leave out --skip-verify",
            code="input.option",
            name="max-loss",
        )


def require_labels(max_loss: float | None, samples: Samples) -> None:
    """Refuse a bound on the loss for images without labels, before any graph is made."""
    if max_loss is not None and samples.labels is None:
        raise InputError(
            "--max-loss was given, but the images of --calibrate have no labels; give images in "
            "folders that are called as the model's classes",
            code="input.option",
            name="max-loss",
        )


def require_loss(manifest: Manifest, max_loss: float | None) -> None:
    """Refuse a verified bundle in which a target loses more right answers than it may.

    Raises CheckFailedError.
    """
    if max_loss is None:
        return
    for name, known in accuracies(manifest).items():
        loss = 100 * known.loss
        if loss > max_loss:
            raise CheckFailedError(
                f"target {name} loses {loss:.2f} points of right answers on {known.images} images "
                f"(95% interval {100 * known.least_loss:.2f} to {100 * known.most_loss:.2f}; "
                f"--max-loss {max_loss:g}); the bundle was not written{what_may_help(manifest)}",
                target=name,
                figure="loss",
                value=loss,
                bound=max_loss,
            )


def accuracies(manifest: Manifest) -> dict[str, VerifiedAccuracy]:
    """The right answers of every target that was verified on images with labels."""
    return {
        name: target.parity.verification.accuracy
        for name, target in manifest.targets.items()
        if target.parity and target.parity.verification and target.parity.verification.accuracy
    }


def what_may_help(manifest: Manifest) -> str:
    """What to try where a compressed target falls short, as an end of a sentence."""
    compressed = [one.compression for one in manifest.targets.values() if one.compression]
    if not compressed:
        return ""
    if all(one.smoothed == 0 for one in compressed):
        return "; give --calibrate with --smooth, or a --precision of more bits"
    return "; give a --precision of more bits"

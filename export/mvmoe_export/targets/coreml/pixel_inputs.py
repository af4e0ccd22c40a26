"""What a stem that takes pixels does to them, as the manifest records it."""

import msgspec

from mvmoe_deploy.bundle import manifest
from mvmoe_deploy.errors import InputError
from mvmoe_deploy.preprocessing import Preprocessing
from mvmoe_export.targets.coreml.options import require_one_image


def require_pixels(spec: Preprocessing, batch: int) -> None:
    """Refuse a stem of images whose pixels a manifest cannot describe, or of a batch."""
    require_one_image(batch)
    try:
        msgspec.convert(msgspec.to_builtins(pixels_of(spec)), manifest.Pixels)
    except msgspec.ValidationError as error:
        raise InputError(
            f"the mean {list(spec.mean)} and std {list(spec.std)} of the model's input make "
            f"factors that an image input cannot have ({error}); give --coreml-input tensor",
            code="input.option",
            name="coreml_input",
        ) from error


def pixels_of(spec: Preprocessing) -> manifest.Pixels:
    """The factors by which a stem makes its input of pixels."""
    return manifest.Pixels(
        channel_order=spec.channel_order,
        scale=tuple(1 / (255 * std) for std in spec.std),
        bias=tuple(-mean / std for mean, std in zip(spec.mean, spec.std, strict=True)),
    )

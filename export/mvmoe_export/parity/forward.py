"""A model's own `forward`, whose outputs come by name."""

from collections.abc import Sequence

from torch import Tensor

from mvmoe_deploy.errors import CheckFailedError
from mvmoe_deploy.models.contract import RoutedModel
from mvmoe_deploy.models.stage_tensors import declared_outputs
from mvmoe_deploy.models.user_code import user_code
from mvmoe_deploy.routing import Route


def forward(
    model: RoutedModel, images: Tensor, routes: Sequence[Route] | None = None
) -> dict[str, Tensor]:
    """A model's own outputs `[B, ...]` by name, on their own routes or down forced ones.

    Raises CheckFailedError for a model that cannot be forced down routes, or that gives something
    else than its outputs; InputError for what its own code raises.
    """
    name = f"{type(model).__name__}.forward"
    try:
        with user_code(name, passing=TypeError):
            given = model(images.clone(), routes=routes) if routes else model(images.clone())
    except TypeError as error:
        raise CheckFailedError(
            f"{name} cannot be forced down a route ({error}); the contract asks for "
            "forward(images, routes=None)",
            code="model.contract",
        ) from error
    outputs = declared_outputs(model)
    named = {next(iter(outputs)): given} if isinstance(given, Tensor) else given
    if (
        not isinstance(named, dict)
        or not outputs.keys() <= named.keys()
        or not all(_is_batch(named[output], len(images)) for output in outputs)
    ):
        raise CheckFailedError(
            f"{name} gives {_words(given)}; the contract asks for {', '.join(outputs)} "
            f"[{len(images)}, ...]{', a dict of them' if len(outputs) > 1 else ''}",
            code="model.contract",
        )
    return {output: named[output].detach() for output in outputs}


def _is_batch(output: object, images: int) -> bool:
    """Whether an output is a tensor with a row for each image."""
    return isinstance(output, Tensor) and output.ndim >= 2 and len(output) == images


def _words(given: object) -> str:
    """What `forward` gave, for a message."""
    if isinstance(given, Tensor):
        return str(list(given.shape))
    if isinstance(given, dict):
        return ", ".join(f"{name} {_words(one)}" for name, one in given.items())
    return type(given).__name__

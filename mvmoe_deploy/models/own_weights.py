"""Checkpoints of a user's own module: its weights, and what a bundle says about it beside them.

A file of weights that the user's training has written holds nothing else. What `mvmoe train` and
`mvmoe init` write is laid out as every checkpoint, but names no family: the code that makes the
module is named by the person who starts a command, never by a file.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from torch import nn

from mvmoe_deploy.errors import CheckpointError
from mvmoe_deploy.models.checkpoint_header import (
    FORMAT,
    VERSION,
    Header,
    check_labels,
    read_description,
)
from mvmoe_deploy.models.checkpoints import (
    METADATA_KEY,
    checkpoint_sha256,
    require_free,
    write_weights,
)
from mvmoe_deploy.models.contract import RoutedModel
from mvmoe_deploy.models.input_choices import words
from mvmoe_deploy.models.weight_files import read_weights, weights_file
from mvmoe_deploy.models.weight_sets import tensor_mappings
from mvmoe_deploy.preprocessing import Preprocessing
from mvmoe_deploy.routing import UsagePrior
from mvmoe_deploy.text import one_line, quoted


@dataclass(frozen=True)
class OwnWeights:
    """What a checkpoint says beside the weights that were loaded."""

    sha256: str
    labels: tuple[str, ...] | None = None
    usage_prior: UsagePrior | None = None


def load_own_weights(model: nn.Module, path: Path, weights: str | None = None) -> OwnWeights:
    """Load the weights of a checkpoint, which must have exactly the model's names and shapes.

    `weights` names one of several sets in the file, as in `load_checkpoint`. Raises CheckpointError
    for a file without such a set, and for one that was trained on another input than the model's.
    """
    path = Path(path)
    file = weights_file(path)
    content, metadata = read_weights(file)
    wanted = model.state_dict().keys()
    fitting = {
        ".".join(place): state
        for place, state in tensor_mappings(content)
        if state.keys() == wanted and weights in (None, ".".join(place))
    }
    if len(fitting) > 1:
        raise CheckpointError(
            f"checkpoint {path} has the sets {', '.join(map(quoted, fitting))} with the names of "
            f"the model's {len(wanted)} weights; name one of them with --weights",
            code="checkpoint.weights-choice",
            given=weights,
            available=list(fitting),
        )
    if not fitting:
        raise CheckpointError(
            f"checkpoint {path} has no set of weights with the names of the model's {len(wanted)} "
            "weights; give weights that the same model has written, and of several name one with "
            "--weights",
            code="checkpoint.does-not-fit",
        )
    try:
        model.load_state_dict(dict(next(iter(fitting.values()))))
    except (RuntimeError, TypeError) as error:
        raise CheckpointError(
            f"checkpoint {path} does not fit the model: {one_line(error, 400)}",
            code="checkpoint.does-not-fit",
        ) from error
    digest = checkpoint_sha256(path, file)
    header = read_description(path, metadata.get(METADATA_KEY), content)
    if not isinstance(header, Header):
        return OwnWeights(digest)
    _require_same_input(header.preprocessing, getattr(model, "input", None), path)
    labels = None if header.labels is None else tuple(header.labels)
    return OwnWeights(digest, labels, header.usage_prior)


def save_own_weights(
    model: RoutedModel,
    path: Path,
    labels: Sequence[str] | None = None,
    usage_prior: UsagePrior | None = None,
    *,
    replace: bool = False,
) -> None:
    """Write the weights of a user's own module, as `save_checkpoint` writes a checkpoint.

    One file if `path` ends in `.safetensors`, else a directory. Raises InputError for a path that
    may not be replaced, CheckpointError for labels that are no text, OutputError.
    """
    path = Path(path)
    require_free(path, replace)
    named = None if labels is None else list(labels)
    check_labels(named, len(named or ()), f"the checkpoint for {path}")
    header = Header(
        format=FORMAT,
        version=VERSION,
        family=None,
        config={},
        preprocessing=model.input,
        labels=named,
        usage_prior=usage_prior,
    )
    write_weights(header, model, path, replace)


def own_labels(model: object) -> tuple[str, ...] | None:
    """The names of a model's classes, by its attribute `labels`; None without one."""
    found = getattr(model, "labels", None)
    return None if found is None else tuple(map(str, found))


def _require_same_input(trained: Preprocessing, given: object, path: Path) -> None:
    """Refuse weights that were trained on an input that the factory's model does not state."""
    if not isinstance(given, Preprocessing) or trained == given:
        return
    names = [name for name in given.__struct_fields__ if _differs(name, trained, given)]
    one, other = (
        ", ".join(f"{name} {words(getattr(spec, name))}" for name in names)
        for spec in (trained, given)
    )
    raise CheckpointError(
        f"checkpoint {path} was trained on images of {one}, but the model's attribute input says "
        f"{other}; give it the input of its training",
        code="checkpoint.other-model",
        expected=one,
        found=other,
    )


def _differs(name: str, one: Preprocessing, other: Preprocessing) -> bool:
    return bool(getattr(one, name) != getattr(other, name))

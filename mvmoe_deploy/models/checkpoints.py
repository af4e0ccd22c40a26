"""Checkpoints: a model's weights and everything needed to rebuild and feed it. No pickle.

Four forms are read: a directory with `config.json` and `model.safetensors`; one `.safetensors`
file with the same JSON in its metadata; a directory as timm puts it on a hub; a state dict in a
file of PyTorch (read with `weights_only=True`) or of safetensors, whose configuration is given
beside it. The first two are written.
"""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import msgspec
import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor

from mvmoe_deploy import files, outputs
from mvmoe_deploy.errors import CheckpointError, InputError
from mvmoe_deploy.models.config import ViTConfig, config_from_dict
from mvmoe_deploy.models.input_choices import (
    InputChoices,
    ResolvedInput,
    guessed_line,
    resolve_input,
)
from mvmoe_deploy.models.presets import build
from mvmoe_deploy.models.timm_config import TimmConfig, is_timm, read_timm
from mvmoe_deploy.models.vit import ViT, require_input, resample_position_embedding
from mvmoe_deploy.models.weight_files import (
    CONFIG_FILE,
    WEIGHTS_FILE,
    named_by_directory,
    read_weights,
    set_aside,
    weights_file,
)
from mvmoe_deploy.models.weight_sets import Chosen, choose, count_tensors
from mvmoe_deploy.preprocessing import Preprocessing
from mvmoe_deploy.routing import UsagePrior, check_usage_prior
from mvmoe_deploy.strict_json import require_shallow
from mvmoe_deploy.text import json_text, one_line, quoted
from mvmoe_deploy.text import name as printable

FORMAT = "mvmoe-checkpoint"
VERSION = 1
_METADATA_KEY = "mvmoe"
_MAX_CONFIG_BYTES = 16 * 2**20
_ALWAYS_BUILT = 1000
"""MLPs of a model that is built without weights just to name the keys that are missing."""

_LONGEST = 200
"""Characters of a name or an error's text that a message quotes."""


class _Header(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """The JSON beside the weights."""

    format: str
    version: int
    family: str
    config: dict[str, Any]
    preprocessing: Preprocessing
    labels: list[str] | None = None
    usage_prior: UsagePrior | None = None
    guessed: tuple[str, ...] = ()
    """The fields of `preprocessing` that are defaults which nobody stated."""


@dataclass
class Checkpoint:
    """A model with what a bundle says about it."""

    model: ViT
    labels: list[str] | None = None
    usage_prior: UsagePrior | None = None
    sha256: str | None = None
    """Of the file or files it was read from; None for a model made in memory."""
    name: str = field(default="model")
    weights: str | None = None
    """Which of several sets of the file its weights are, as `load_checkpoint` takes it."""
    notes: tuple[str, ...] = ()
    """What a person should know of how it was read, one line each."""

    @property
    def config(self) -> ViTConfig:
        """The model's configuration."""
        return self.model.config


def save_checkpoint(checkpoint: Checkpoint, path: Path, replace: bool = False) -> None:
    """Write a checkpoint as one file if `path` ends in `.safetensors`, else as a directory.

    Atomic: `path` appears whole or not at all. Raises InputError if it exists and may not be
    replaced: even with `replace` only what this function has written (or what is empty) may be.
    Raises OutputError if it cannot be written.
    """
    path = Path(path)
    require_free(path, replace)
    header = _header_of(checkpoint)
    _check_header(header, checkpoint.model, f"the checkpoint for {path}")
    text = msgspec.json.format(msgspec.json.encode(header), indent=2)
    tensors = {
        name: tensor.detach().cpu().contiguous()
        for name, tensor in checkpoint.model.state_dict().items()
    }
    if path.suffix == ".safetensors":
        metadata = {_METADATA_KEY: text.decode()}
        files.write_file(
            path, lambda partial: _write_tensors(tensors, partial, metadata), _replaces(replace)
        )
        return
    with files.new_directory(path, _replaces(replace)) as work:
        (work / CONFIG_FILE).write_bytes(text + b"\n")
        _write_tensors(tensors, work / WEIGHTS_FILE)


def require_free(path: Path, replace: bool = False) -> None:
    """Refuse a path that `save_checkpoint` would refuse; raises InputError or OutputError."""
    require = outputs.require_file if path.suffix == ".safetensors" else outputs.require_directory
    require(path, _replaces(replace))


def foreign_to_checkpoint(path: Path) -> str | None:
    """Why a file or directory is no checkpoint of ours that may be replaced; None if it is one.

    Checkpoints of every version count, damaged weights in a directory too; but it may hold nothing
    else.
    """
    if not path.is_dir():
        header = _json_format(_metadata_of(path))
        return None if header == FORMAT else "is no checkpoint that mvmoe has written"
    header = _json_format(outputs.head(path / CONFIG_FILE, _MAX_CONFIG_BYTES))
    if header != FORMAT:
        return f"is no checkpoint (its {CONFIG_FILE} is missing, damaged or of something else)"
    found = outputs.stranger(path, {CONFIG_FILE, WEIGHTS_FILE})
    return None if found is None else f"holds {found}, which is no part of its checkpoint"


def load_checkpoint(
    path: Path,
    config: ViTConfig | None = None,
    *,
    weights: str | None = None,
    said: InputChoices | None = None,
) -> Checkpoint:
    """Read any of the four forms; `config` is for weights that come without one.

    `weights` names one of several sets in the file, `said` what a person states of the input: it
    goes before what the file states. `notes` of the result says in words what was chosen, replaced
    or guessed. Raises CheckpointError, naming the keys or bytes that are wrong, InputError for
    statements that make no input.
    """
    path = Path(path)
    where = f"checkpoint {path}"
    file = weights_file(path)
    content, metadata = read_weights(file)
    described = _read_description(path, metadata.get(_METADATA_KEY), content)
    config = _config_of(described, config, where)
    _require_plausible(config, count_tensors(content), where)
    resolved = _input_of(described, config, said or InputChoices(), where)
    # Nothing is allocated before the weights are known to have the shapes of the model.
    with torch.device("meta"):
        model = build(config, resolved.preprocessing, seed=0)
    model.input_origins = resolved.origins
    labels, usage_prior = _facts_of(described, model, where)
    chosen = _choose(model, content, weights, where)
    load_weights(model, chosen.tensors, where)
    notes = (set_aside(path), *chosen.notes, *_input_notes(described, config, resolved))
    return Checkpoint(
        model=model.eval(),
        labels=labels,
        usage_prior=usage_prior,
        sha256=_hash(path, file),
        name=path.stem,
        weights=chosen.name,
        notes=tuple(filter(None, notes)),
    )


def load_weights(model: ViT, state: Mapping[str, Tensor], where: str) -> None:
    """Load a state dict, position embeddings resampled if the image size differs.

    Weights of any floating-point type become the model's. Raises CheckpointError that names
    missing, extra and wrongly shaped keys, and tensors that hold no numbers or a value that is
    not finite.
    """
    expected = model.state_dict()
    shapes = {
        f"{name} {list(tensor.shape)} instead of {list(expected[name].shape)}"
        for name, tensor in state.items()
        if name in expected and not tensor.is_nested and not _fits(name, tensor, expected[name])
    }
    problems = [
        _listing("missing keys", expected.keys() - state.keys()),
        _listing("unknown keys", state.keys() - expected.keys()),
        _listing("no floating-point weights in", {n for n, t in state.items() if not _is_plain(t)}),
        _listing("wrong shapes", shapes),
    ]
    _require_none(problems, model, where)
    # Only now: resampling takes memory for as many positions as the configuration asks for.
    state = _resampled(state, model.config, where)
    # Always a copy: tensors of a file share its memory map, those of a pickle may share storage.
    weights = {
        name: torch.empty(tensor.shape, dtype=expected[name].dtype).copy_(tensor.detach())
        for name, tensor in state.items()
    }
    infinite = {name for name, tensor in weights.items() if not torch.isfinite(tensor).all()}
    _require_none([_listing("values that are not finite in", infinite)], model, where)
    model.load_state_dict(weights, assign=any(tensor.is_meta for tensor in expected.values()))


def _replaces(replace: bool) -> outputs.Foreign | None:
    """What decides whether something may be replaced; None if nothing may be."""
    return foreign_to_checkpoint if replace else None


def _metadata_of(path: Path) -> str:
    """Our metadata of a safetensors file; empty if it has none or is damaged."""
    try:
        with safe_open(path, framework="pt") as file:
            return (file.metadata() or {}).get(_METADATA_KEY, "")
    except (SafetensorError, OSError, RuntimeError, ValueError):
        return ""


def _json_format(text: bytes | str | None) -> object:
    """What a JSON object says its format is; None for what is no such object."""
    try:
        content = msgspec.json.decode(text or b"")
    except (msgspec.MsgspecError, ValueError, RecursionError):
        return None
    return content.get("format") if isinstance(content, dict) else None


def _is_plain(tensor: Tensor) -> bool:
    """Whether a tensor holds floating-point numbers, in memory and one after the other."""
    return (
        tensor.is_floating_point()
        and tensor.layout == torch.strided
        and not tensor.is_quantized
        and not tensor.is_meta
        and not tensor.is_nested
        and tensor.dtype.itemsize >= 2  # scaled 8-bit and packed 4-bit floats are not weights yet
    )


def _fits(name: str, tensor: Tensor, expected: Tensor) -> bool:
    """Whether a tensor has the shape of a parameter; position embeddings may be of another grid."""
    if name == "pos_embed" and tensor.ndim == 3:
        return (tensor.shape[0], tensor.shape[2]) == (expected.shape[0], expected.shape[2])
    return tensor.shape == expected.shape


def _resampled(state: Mapping[str, Tensor], config: ViTConfig, where: str) -> dict[str, Tensor]:
    """A state dict with the position embeddings on the model's grid."""
    try:
        embedding = resample_position_embedding(state["pos_embed"], config.tokens)
        return {**state, "pos_embed": embedding}
    except InputError as error:
        raise CheckpointError(f"{where} does not fit a {config.family}: {error}") from error


def _require_none(problems: list[str], model: ViT, where: str) -> None:
    """Raise CheckpointError if there is a problem."""
    if any(problems):
        raise CheckpointError(
            f"{where} does not fit a {model.config.family}: {'; '.join(filter(None, problems))}"
        )


def _write_tensors(
    tensors: dict[str, Tensor], path: Path, metadata: dict[str, str] | None = None
) -> None:
    """Write a safetensors file, readable to whom the umask lets read: its own writer is private."""
    path.write_bytes(save(tensors, metadata))


def _config_of(
    described: _Header | TimmConfig | None, config: ViTConfig | None, where: str
) -> ViTConfig:
    """The configuration that a checkpoint brings, or the one that was given."""
    if isinstance(described, _Header):
        if config is not None:
            raise CheckpointError(f"{where} brings its own configuration; leave --config out")
        try:
            return config_from_dict(described.family, described.config, where)
        except InputError as error:
            raise CheckpointError(f"{where} contradicts itself: {error}") from error
    if isinstance(described, TimmConfig) and config is None:
        config = described.model(where)
        if config is None:
            raise CheckpointError(
                f"timm's configuration of {where} names the architecture "
                f"{quoted(described.architecture)} with the arguments "
                f"{quoted(sorted(described.arguments))}, which is not known here; name the "
                "configuration with --config PRESET or --config FILE.json"
            )
    if config is None:
        raise CheckpointError(
            f"{where} holds weights without a configuration; name one with --config PRESET or "
            "--config FILE.json"
        )
    return config


def _input_of(
    described: _Header | TimmConfig | None, config: ViTConfig, said: InputChoices, where: str
) -> ResolvedInput:
    """The model's input: what was said, else what the checkpoint states, else defaults."""
    stated: Mapping[str, Any] = {}
    guessed: frozenset[str] = frozenset()
    try:
        if isinstance(described, _Header):
            require_input(config, described.preprocessing)
            stated = msgspec.structs.asdict(described.preprocessing)
            guessed = frozenset(described.guessed)
        elif described is not None:
            stated = described.stated
        return resolve_input(config, stated, said, guessed)
    except InputError as error:
        kind = InputError if said else CheckpointError
        raise kind(f"the input of {where} contradicts itself: {error}") from error


def _facts_of(
    described: _Header | TimmConfig | None, model: ViT, where: str
) -> tuple[list[str] | None, UsagePrior | None]:
    """The labels and the usage prior, checked against the model."""
    if described is None:
        return None, None
    if isinstance(described, _Header):
        _check_header(described, model, where)
        return described.labels, described.usage_prior
    _check_labels(described.labels, model, where)
    return described.labels, None


def _choose(model: ViT, content: Any, weights: str | None, where: str) -> Chosen:
    """The set of tensors in a file that is the model's."""
    expected = model.state_dict()
    return choose(
        content,
        frozenset(expected),
        lambda name, tensor: _fits(name, tensor, expected[name]),
        weights,
        where,
    )


def _input_notes(
    described: _Header | TimmConfig | None, config: ViTConfig, resolved: ResolvedInput
) -> list[str]:
    """What was replaced, what contradicts the configuration, and what nobody stated."""
    notes = [f"input: {text}" for text in resolved.replaced]
    if isinstance(described, TimmConfig):
        notes += _contradictions(described, config)
    guessed = guessed_line(resolved.preprocessing, resolved.origins)
    return [*notes, *([guessed] if guessed else [])]


def _contradictions(described: TimmConfig, config: ViTConfig) -> list[str]:
    """Where timm's file and the configuration differ; the configuration and the weights win."""
    pairs = (
        ("image_size", config.image_size, "input_size", described.image_size),
        ("num_classes", config.num_classes, "num_classes", described.num_classes),
    )
    return [
        f"configuration: {name} {given} replaces the checkpoint's {other} {stated}"
        for name, given, other, stated in pairs
        if stated is not None and stated != given
    ]


def _require_plausible(config: ViTConfig, tensors: int, where: str) -> None:
    """Refuse to build a model of far more parts than there are tensors."""
    if config.mlps > max(tensors, _ALWAYS_BUILT):
        raise CheckpointError(
            f"{where} describes a model of {config.mlps} MLPs, but it has only {tensors} "
            "tensors; give the weights that belong to the configuration"
        )


def _header_of(checkpoint: Checkpoint) -> _Header:
    """The JSON beside the weights."""
    return _Header(
        format=FORMAT,
        version=VERSION,
        family=checkpoint.config.family,
        config=asdict(checkpoint.config),
        preprocessing=checkpoint.model.input,
        labels=checkpoint.labels,
        usage_prior=checkpoint.usage_prior,
        guessed=tuple(
            name for name, origin in checkpoint.model.input_origins.items() if origin == "default"
        ),
    )


def _check_header(header: _Header, model: ViT, where: str) -> None:
    """Refuse labels and a usage prior that are not the model's; raises CheckpointError."""
    _check_labels(header.labels, model, where)
    if header.usage_prior is not None:
        try:
            check_usage_prior(header.usage_prior, model.routing, "its usage prior")
        except InputError as error:
            raise CheckpointError(f"{where} contradicts itself: {error}") from error


def _check_labels(labels: Sequence[str] | None, model: ViT, where: str) -> None:
    """Refuse labels that are not one for each class, or no text; raises CheckpointError."""
    classes = model.config.num_classes
    if labels is not None and len(labels) != classes:
        raise CheckpointError(
            f"{where} has {len(labels)} labels for {classes} classes; give one for each"
        )
    for label in labels or ():
        if not label.isascii() and label.encode(errors="replace").decode() != label:
            raise CheckpointError(f"{where} has the label {label!r}, which is not Unicode text")


def _read_description(
    path: Path, metadata: str | None, content: Any
) -> _Header | TimmConfig | None:
    """What stands beside the weights: our own JSON or timm's; None if there is nothing."""
    where = f"checkpoint {path}"
    text: bytes | str | None = metadata
    file = (path if path.is_dir() else path.parent) / CONFIG_FILE
    if path.is_dir():
        text = _read_config(file) if file.is_file() else None
    elif text is None and named_by_directory(path) and file.is_file():
        text = _known(_read_config(file))
    if text is not None:
        return _parse_description(text, where)
    if isinstance(content, Mapping) and isinstance(content.get("pretrained_cfg"), Mapping):
        return read_timm({"pretrained_cfg": content["pretrained_cfg"]}, where)
    return None


def _known(text: bytes) -> bytes | None:
    """The `config.json` beside a file of weights, if it is ours or timm's: it may be anything."""
    try:
        require_shallow(text)
        fields = msgspec.json.decode(json_text(text), type=dict)
    except (msgspec.MsgspecError, ValueError, RecursionError):
        return None
    return text if is_timm(fields) or fields.get("format") == FORMAT else None


def _parse_description(text: bytes | str, where: str) -> _Header | TimmConfig:
    """The JSON of a directory's `config.json` or of a file's metadata."""
    if len(text) > _MAX_CONFIG_BYTES:
        raise CheckpointError(
            f"the configuration of {where} has {len(text):,} bytes; at most "
            f"{_MAX_CONFIG_BYTES:,} are read"
        )
    try:
        text = text.encode() if isinstance(text, str) else json_text(text)
        require_shallow(text)
        fields = msgspec.json.decode(text, type=dict)
        if is_timm(fields):
            return read_timm(fields, where)
        header = msgspec.json.decode(text, type=_Header)
    except CheckpointError:
        raise
    except (msgspec.MsgspecError, ValueError, RecursionError) as error:
        raise CheckpointError(
            f"the configuration of {where} is wrong: {one_line(error, _LONGEST)}"
        ) from error
    if (header.format, header.version) != (FORMAT, VERSION):
        raise CheckpointError(
            f"{where} is {quoted(header.format)} version {header.version}; this release reads "
            f"{FORMAT!r} version {VERSION}"
        )
    return header


def _read_config(file: Path) -> bytes:
    """The bytes of `config.json`, of a larger one no more than show that it is."""
    try:
        with file.open("rb") as opened:
            return opened.read(_MAX_CONFIG_BYTES + 1)
    except OSError as error:
        raise CheckpointError(f"{file} cannot be read ({error.strerror})") from error


def _hash(path: Path, weights: Path) -> str:
    """SHA-256 of a file; of a directory, over its files' names and hashes in order of name."""
    if path.is_file():
        return files.sha256(path)
    digest = hashlib.sha256()
    for name in (CONFIG_FILE, weights.name):
        if (path / name).is_file():
            digest.update(f"{name} {files.sha256(path / name)}\n".encode())
    return digest.hexdigest()


def _listing(what: str, names: set[str], most: int = 5) -> str:
    """`what: a, b, c (and 4 more)`, or nothing for no names."""
    if not names:
        return ""
    shown = [printable(item, _LONGEST) for item in sorted(names)[:most]]
    rest = f" (and {len(names) - most} more)" if len(names) > most else ""
    return f"{what}: {', '.join(shown)}{rest}"

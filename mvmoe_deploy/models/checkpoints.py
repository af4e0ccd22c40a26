"""Checkpoints: a model's weights and everything needed to rebuild and feed it. No pickle.

Three forms are read: a directory with `config.json` and `model.safetensors`; one `.safetensors`
file with the same JSON in its metadata; a `.pt`/`.pth` state dict (read with `weights_only=True`),
whose configuration is given beside it. The first two are written.
"""

import hashlib
import pickle
import warnings
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import msgspec
import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor

from mvmoe_deploy import files
from mvmoe_deploy.errors import CheckpointError, InputError
from mvmoe_deploy.models.config import ViTConfig, config_from_dict
from mvmoe_deploy.models.presets import build
from mvmoe_deploy.models.vit import ViT, resample_position_embedding
from mvmoe_deploy.preprocessing import Preprocessing
from mvmoe_deploy.routing import UsagePrior, check_usage_prior
from mvmoe_deploy.strict_json import require_shallow
from mvmoe_deploy.text import name as printable
from mvmoe_deploy.text import one_line, quoted

FORMAT = "mvmoe-checkpoint"
VERSION = 1
_METADATA_KEY = "mvmoe"
_CONFIG_FILE = "config.json"
_WEIGHTS_FILE = "model.safetensors"
_MAX_CONFIG_BYTES = 16 * 2**20
_ALWAYS_BUILT = 1000
"""MLPs of a model that is built without weights just to name the keys that are missing."""

_LONGEST = 200
"""Characters of a name or an error's text that a message quotes."""

_WRAPPERS = ("model", "state_dict", "model_state_dict")
"""Keys under which training scripts put the state dict."""


class _Header(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """The JSON beside the weights."""

    format: str
    version: int
    family: str
    config: dict[str, Any]
    preprocessing: Preprocessing
    labels: list[str] | None = None
    usage_prior: UsagePrior | None = None


@dataclass
class Checkpoint:
    """A model with what a bundle says about it."""

    model: ViT
    labels: list[str] | None = None
    usage_prior: UsagePrior | None = None
    sha256: str | None = None
    """Of the file or files it was read from; None for a model made in memory."""
    name: str = field(default="model")

    @property
    def config(self) -> ViTConfig:
        """The model's configuration."""
        return self.model.config


def save_checkpoint(checkpoint: Checkpoint, path: Path, replace: bool = False) -> None:
    """Write a checkpoint as one file if `path` ends in `.safetensors`, else as a directory.

    Atomic: `path` appears whole or not at all. Raises InputError if it exists and may not be
    replaced, OutputError if it cannot be written.
    """
    path = Path(path)
    header = _header_of(checkpoint)
    _check_header(header, checkpoint.model, f"the checkpoint for {path}")
    text = msgspec.json.format(msgspec.json.encode(header), indent=2)
    tensors = {
        name: tensor.detach().cpu().contiguous()
        for name, tensor in checkpoint.model.state_dict().items()
    }
    if path.suffix == ".safetensors":
        with files.output_errors(str(path)):
            taken = path.exists() and not replace
        if taken:
            raise InputError(f"{path} exists already; give another path, or --force to replace it")
        metadata = {_METADATA_KEY: text.decode()}
        files.write_file(path, lambda partial: _write_tensors(tensors, partial, metadata))
        return
    with files.new_directory(path, replace) as work:
        (work / _CONFIG_FILE).write_bytes(text + b"\n")
        _write_tensors(tensors, work / _WEIGHTS_FILE)


def load_checkpoint(path: Path, config: ViTConfig | None = None) -> Checkpoint:
    """Read any of the three forms; `config` is for weights that come without one.

    Raises CheckpointError, naming the keys or bytes that are wrong.
    """
    path = Path(path)
    weights = _weights_file(path)
    reader = _read_torch if weights.suffix in (".pt", ".pth") else _read_safetensors
    state, metadata = reader(weights)
    header = _read_header(path, metadata)
    if header is None and config is None:
        raise CheckpointError(
            f"checkpoint {path} holds weights without a configuration; name one with --config "
            "PRESET or --config FILE.json"
        )
    if header is not None and config is not None:
        raise CheckpointError(f"checkpoint {path} brings its own configuration; leave --config out")
    return _assemble(path, state, header, config)


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
        if name in expected and not _fits(name, tensor, expected[name])
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


def _weights_file(path: Path) -> Path:
    """The file of a checkpoint that has the weights."""
    try:
        exists, inside = path.exists(), path.is_dir()
    except OSError as error:
        raise CheckpointError(f"checkpoint {path} cannot be read ({error.strerror})") from error
    if not exists:
        raise CheckpointError(
            f"checkpoint {path} does not exist; give a directory, a .safetensors or a .pt file"
        )
    weights = path / _WEIGHTS_FILE if inside else path
    if not weights.is_file():
        raise CheckpointError(
            f"checkpoint directory {path} has no {_WEIGHTS_FILE}; expected {_CONFIG_FILE} and "
            f"{_WEIGHTS_FILE}"
            if inside
            else f"checkpoint {path} is not a regular file; give a .safetensors or a .pt file"
        )
    return weights


def _write_tensors(
    tensors: dict[str, Tensor], path: Path, metadata: dict[str, str] | None = None
) -> None:
    """Write a safetensors file, readable to whom the umask lets read: its own writer is private."""
    path.write_bytes(save(tensors, metadata))


def _assemble(
    path: Path, state: dict[str, Tensor], header: _Header | None, config: ViTConfig | None
) -> Checkpoint:
    """The checkpoint of what was read."""
    where = f"checkpoint {path}"
    try:
        if header is not None:
            config = config_from_dict(header.family, header.config, where)
        _require_plausible(config, state, where)
        # Nothing is allocated before the weights are known to have the shapes of the model.
        with torch.device("meta"):
            model = build(config, header.preprocessing if header else None, seed=0)
        if header is not None:
            _check_header(header, model, where)
    except CheckpointError:
        raise
    except InputError as error:
        raise CheckpointError(f"{where} contradicts itself: {error}") from error
    load_weights(model, state, where)
    return Checkpoint(
        model=model.eval(),
        labels=header.labels if header else None,
        usage_prior=header.usage_prior if header else None,
        sha256=_hash(path),
        name=path.stem,
    )


def _require_plausible(config: ViTConfig, state: dict[str, Tensor], where: str) -> None:
    """Refuse to build a model of far more parts than there are tensors."""
    if config.mlps > max(len(state), _ALWAYS_BUILT):
        raise CheckpointError(
            f"{where} describes a model of {config.mlps} MLPs, but it has only {len(state)} "
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
    )


def _check_header(header: _Header, model: ViT, where: str) -> None:
    """Refuse labels and a usage prior that are not the model's; raises CheckpointError."""
    classes = model.config.num_classes
    if header.labels is not None and len(header.labels) != classes:
        raise CheckpointError(
            f"{where} has {len(header.labels)} labels for {classes} classes; give one for each"
        )
    for label in header.labels or ():
        if not label.isascii() and label.encode(errors="replace").decode() != label:
            raise CheckpointError(f"{where} has the label {label!r}, which is not Unicode text")
    if header.usage_prior is not None:
        try:
            check_usage_prior(header.usage_prior, model.routing, "its usage prior")
        except InputError as error:
            raise CheckpointError(f"{where} contradicts itself: {error}") from error


def _read_header(path: Path, metadata: str | None) -> _Header | None:
    """The JSON of a directory's `config.json` or of a file's metadata; None if there is none."""
    text: bytes | str | None = metadata
    if path.is_dir():
        file = path / _CONFIG_FILE
        if not file.is_file():
            return None
        text = _read_config(file)
    if text is None:
        return None
    if len(text) > _MAX_CONFIG_BYTES:
        raise CheckpointError(
            f"the configuration of checkpoint {path} has {len(text):,} bytes; at most "
            f"{_MAX_CONFIG_BYTES:,} are read"
        )
    try:
        require_shallow(text.encode() if isinstance(text, str) else text)
        header = msgspec.json.decode(text, type=_Header)
    except (msgspec.MsgspecError, ValueError, RecursionError) as error:
        raise CheckpointError(
            f"the configuration of checkpoint {path} is wrong: {one_line(error, _LONGEST)}"
        ) from error
    if (header.format, header.version) != (FORMAT, VERSION):
        raise CheckpointError(
            f"checkpoint {path} is {quoted(header.format)} version {header.version}; this release "
            f"reads {FORMAT!r} version {VERSION}"
        )
    return header


def _read_config(file: Path) -> bytes:
    """The bytes of `config.json`, of a larger one no more than show that it is."""
    try:
        with file.open("rb") as opened:
            return opened.read(_MAX_CONFIG_BYTES + 1)
    except OSError as error:
        raise CheckpointError(f"{file} cannot be read ({error.strerror})") from error


def _read_safetensors(path: Path) -> tuple[dict[str, Tensor], str | None]:
    """Tensors and our metadata of a safetensors file."""
    try:
        with safe_open(path, framework="pt") as file:
            metadata = file.metadata() or {}
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    except (SafetensorError, OSError, RuntimeError, ValueError) as error:
        raise CheckpointError(
            f"{path} ({path.stat().st_size} bytes) is no whole safetensors file: "
            f"{one_line(error, _LONGEST)}"
        ) from error
    return tensors, metadata.get(_METADATA_KEY)


def _read_torch(path: Path) -> tuple[dict[str, Tensor], None]:
    """The state dict of a `.pt` file, read without running any code that it may hold."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            content = torch.load(path, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError as error:
        raise CheckpointError(
            f"{path} holds more than tensors, and nothing of it was run; save model.state_dict() "
            "alone"
        ) from error
    except Exception as error:  # a pickle of damaged bytes raises nearly every class
        raise CheckpointError(
            f"{path} ({path.stat().st_size} bytes) is no whole PyTorch file: "
            f"{one_line(error, _LONGEST)}"
        ) from error
    for wrapper in _WRAPPERS:
        if isinstance(content, Mapping) and isinstance(content.get(wrapper), Mapping):
            content = content[wrapper]
    if not isinstance(content, Mapping) or not all(
        isinstance(name, str) and isinstance(value, Tensor) for name, value in content.items()
    ):
        raise CheckpointError(
            f"{path} holds a {type(content).__name__}, not a state dict of tensors; save "
            "model.state_dict()"
        )
    return dict(content), None


def _hash(path: Path) -> str:
    """SHA-256 of a file; of a directory, over its files' names and hashes in order of name."""
    if path.is_file():
        return files.sha256(path)
    digest = hashlib.sha256()
    for name in (_CONFIG_FILE, _WEIGHTS_FILE):
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

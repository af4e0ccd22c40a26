"""The sets of tensors in a file that have a model's names, wherever they are.

Training scripts put several into one file: the raw weights and their average, a teacher and a
student, each below a key of its own or below a prefix of its keys.
"""

import re
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from torch import Tensor

ROOT = "."
"""What `weights` calls the set whose keys stand in the file itself, without any prefix."""

INSIDE = ("_orig_mod", "_fsdp_wrapped_module", "_checkpoint_wrapped_module", "_forward_module")
"""What wrappers of single layers put into the middle of keys."""

_AROUND = ("module", "model", "backbone", *INSIDE)
"""What wrappers put before every key: parallel training, a training module, compilation."""

_OPTIMIZER = re.compile(r"(?:last_)?optim(?:izer)?s?(?:_?states?)?(?:_?dicts?)?", re.IGNORECASE)
"""The keys that training scripts put the states of optimizers below."""

_AVERAGE = re.compile(r"(?:^|[_.])(?:ema|swa|shadow|averaged?)(?:$|[_.])", re.IGNORECASE)
"""Some optimizers keep an average of the weights beside their moments (`exp_avg` is none)."""

_DEEPEST = 8
_MOST_NODES = 1_000_000

Fits = Callable[[str, Tensor], bool]
"""Whether a tensor has the shape of the parameter of this name."""


@dataclass
class WeightSet:
    """The tensors below one key and one prefix whose names are a model's."""

    path: tuple[str, ...]
    """The keys of the mappings that it is in."""
    prefix: tuple[str, ...]
    """What its own keys begin with."""
    keys: dict[str, str] = field(default_factory=dict)
    """By the model's name the file's key, in the mapping."""
    twice: dict[str, tuple[str, str]] = field(default_factory=dict)
    """Names for which there are two keys."""

    @property
    def full_name(self) -> str:
        """Keys and prefix with points between them."""
        return ".".join((*self.path, *self.prefix)) or ROOT

    @property
    def name(self) -> str:
        """The same without what known wrappers add, unless nothing else is left."""
        prefix = list(self.prefix)
        while prefix and prefix[-1] in _AROUND:
            prefix.pop()
        return ".".join((*self.path, *prefix)) or self.full_name

    @property
    def wrapped(self) -> bool:
        """Whether known wrappers alone make up the prefix."""
        return all(part in _AROUND for part in self.prefix)


def count_tensors(content: Any) -> int:
    """Tensors in all mappings of a file."""
    return sum(sum(map(is_tensor, found.values())) for _, found in tensor_mappings(content))


def tensor_mappings(content: Any) -> Iterator[tuple[tuple[str, ...], Mapping[str, Any]]]:
    """Every mapping with text as keys, by the keys that lead to it.

    Each once: what a pickle holds may contain itself. Of the state of an optimizer only what is
    called an average counts: its moments have the names and shapes of weights too.
    """
    waiting: deque[tuple[tuple[str, ...], Any, bool]] = deque([((), content, False)])
    seen: set[int] = set()
    while waiting and len(seen) < _MOST_NODES:
        path, node, optimizer = waiting.popleft()
        if id(node) in seen or len(path) > _DEEPEST:
            continue
        seen.add(id(node))
        if isinstance(node, Mapping):
            optimizer = optimizer or {"state", "param_groups"} <= node.keys()
            yield path, {key: value for key, value in node.items() if _counts(key, optimizer)}
        waiting += [
            ((*path, key), value, not _counts(key, optimizer)) for key, value in _children(node)
        ]


def _counts(key: Any, optimizer: bool) -> bool:
    """Whether weights may be at a key, in the state of an `optimizer` or elsewhere."""
    if not isinstance(key, str) or _OPTIMIZER.fullmatch(key):
        return False
    return not optimizer or _AVERAGE.search(key) is not None


def weight_sets(
    path: tuple[str, ...], mapping: Mapping[str, Any], names: frozenset[str]
) -> list[WeightSet]:
    """The sets of one mapping: one for each prefix below which there are names of the model."""
    run_together = {name.replace(".", by): name for name in names for by in ("", "_")}
    longest = max(name.count(".") for name in names) + 1
    sets: dict[tuple[str, ...], WeightSet] = {}
    for key, value in mapping.items():
        if not isinstance(value, Tensor):
            continue
        parts = key_parts(key)
        for start in range(max(0, len(parts) - longest), len(parts)):
            rest = ".".join(parts[start:])
            name = rest if rest in names else None
            if name is None and start == len(parts) - 1 and start:
                name = run_together.get(rest)  # averages that may have no point in their names
            if name is not None:
                prefix = parts[:start]
                found = sets.setdefault(prefix, WeightSet(path, prefix))
                if name in found.keys:
                    found.twice[name] = (found.keys[name], key)
                found.keys[name] = key
    return list(sets.values())


def is_whole(
    found: WeightSet, mapping: Mapping[str, Any], names: frozenset[str], fits: Fits
) -> bool:
    """Whether a set has every parameter of the model, in its shape."""
    return len(found.keys) == len(names) and all(
        _has_shape(mapping[key]) and fits(name, mapping[key]) for name, key in found.keys.items()
    )


def nameless_lists(
    mappings: Mapping[tuple[str, ...], Mapping[str, Any]], whole: WeightSet
) -> list[str]:
    """The names of lists of tensors whose shapes are the model's: averages without any names."""
    wanted = sorted(tuple(mappings[whole.path][key].shape) for key in whole.keys.values())
    return [
        ".".join((*path, key))
        for path, mapping in mappings.items()
        for key, value in mapping.items()
        if _shapes(value) == wanted
    ]


def is_tensor(value: Any) -> bool:
    """Whether a value is a tensor of any kind."""
    return isinstance(value, Tensor)


def _has_shape(value: Any) -> bool:
    """Whether a value is a tensor, and none that is a bundle of others."""
    return isinstance(value, Tensor) and not value.is_nested


def _children(node: Any) -> list[tuple[str, Any]]:
    """The values in a mapping or a list that may hold tensors, with their keys as text."""
    items: Iterable[tuple[Any, Any]]
    if isinstance(node, Mapping):
        items = node.items()
    elif isinstance(node, list | tuple):
        items = enumerate(node)
    else:
        return []
    return [(str(key), value) for key, value in items if isinstance(value, Mapping | list | tuple)]


def key_parts(key: str) -> tuple[str, ...]:
    """A key without what wrappers have put into its middle."""
    parts = key.split(".")
    first = next((i for i, part in enumerate(parts) if part not in _AROUND), 0)
    return (*parts[:first], *(part for part in parts[first:] if part not in INSIDE))


def _shapes(value: Any) -> list[tuple[int, ...]] | None:
    """The sorted shapes of a list of tensors; None for anything else."""
    if not isinstance(value, list | tuple) or not all(map(_has_shape, value)):
        return None
    return sorted(tuple(item.shape) for item in value)

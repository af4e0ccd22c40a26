"""Which tensors of a file are the model's weights: every set that fits, and the one to take.

Training scripts put several into one file: the raw weights and their average, a teacher and a
student, each below a key of its own or below a prefix of its keys. What fits the model is found by
names and shapes; if more than one set does, somebody has to say which.
"""

from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor

from mvmoe_deploy.errors import CheckpointError
from mvmoe_deploy.text import name as shown

ROOT = "."
"""What `weights` calls the set whose keys stand in the file itself, without any prefix."""

_INSIDE = ("_orig_mod", "_fsdp_wrapped_module", "_checkpoint_wrapped_module", "_forward_module")
"""What wrappers of single layers put into the middle of keys."""

_AROUND = ("module", "model", "backbone", *_INSIDE)
"""What wrappers put before every key: parallel training, a training module, compilation."""

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


@dataclass(frozen=True)
class Chosen:
    """The weights of a file, and what a person should know of the choice."""

    tensors: dict[str, Tensor]
    name: str | None
    """What `weights` calls them; None where the file holds them as they are and nothing else."""
    notes: tuple[str, ...] = ()


def choose(
    content: Any, names: frozenset[str], fits: Fits, wanted: str | None, where: str
) -> Chosen:
    """The tensors of a file that are the weights of a model whose parameters have these `names`.

    `wanted` names a set; else there must be exactly one that fits. Where none does, the nearest is
    given: whoever loads it says what is wrong with it. Raises CheckpointError that names the sets
    if there are several, a prefix that is no known wrapper's, or one that only some keys have.
    """
    mappings = dict(_mappings(content))
    if not any(
        isinstance(value, Tensor) for found in mappings.values() for value in found.values()
    ):
        raise CheckpointError(
            f"{where} holds a {type(content).__name__}, not a state dict of tensors; save "
            "model.state_dict()"
        )
    sets = [found for path, each in mappings.items() for found in _sets(path, each, names)]
    whole = [each for each in sets if _is_whole(each, mappings[each.path], names, fits)]
    if wanted is not None:
        taken = _named(wanted, whole, sets, where)
        return _taken(taken, mappings[taken.path], whole, where)
    if not whole:
        return _nearest(sets, mappings, names, where)
    distinct, lists = _distinct(whole, mappings), _lists(mappings, whole[0])
    if len(distinct) > 1 or lists:
        raise _several(distinct, lists, where)
    taken = _only(whole[0], sets, whole, where)
    return _taken(taken, mappings[taken.path], whole, where)


def count_tensors(content: Any) -> int:
    """Tensors in all mappings of a file."""
    return sum(sum(map(_is_tensor, found.values())) for _, found in _mappings(content))


def _mappings(content: Any) -> Iterator[tuple[tuple[str, ...], Mapping[str, Any]]]:
    """Every mapping with text as keys, by the keys that lead to it; optimizers are left out.

    Each once: what a pickle holds may contain itself.
    """
    waiting: deque[tuple[tuple[str, ...], Any]] = deque([((), content)])
    seen: set[int] = set()
    while waiting and len(seen) < _MOST_NODES:
        path, node = waiting.popleft()
        if id(node) in seen or len(path) > _DEEPEST:
            continue
        seen.add(id(node))
        items = _children(node)
        if isinstance(node, Mapping):
            yield path, {key: value for key, value in node.items() if isinstance(key, str)}
        waiting += [
            ((*path, key), value) for key, value in items if not key.lower().startswith("optim")
        ]


def _children(node: Any) -> list[tuple[str, Any]]:
    """The values in a mapping or a list that may hold tensors, with their keys as text."""
    if isinstance(node, Mapping):
        items = node.items()
    elif isinstance(node, list | tuple):
        items = enumerate(node)
    else:
        return []
    return [(str(key), value) for key, value in items if isinstance(value, Mapping | list | tuple)]


def _sets(path: tuple[str, ...], mapping: Mapping[str, Any], names: frozenset[str]) -> list:
    """The sets of one mapping: one for each prefix below which there are names of the model."""
    run_together = {name.replace(".", by): name for name in names for by in ("", "_")}
    longest = max(name.count(".") for name in names) + 1
    sets: dict[tuple[str, ...], WeightSet] = {}
    for key, value in mapping.items():
        if not isinstance(value, Tensor):
            continue
        parts = _parts(key)
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


def _parts(key: str) -> tuple[str, ...]:
    """A key without what wrappers have put into its middle."""
    parts = key.split(".")
    first = next((i for i, part in enumerate(parts) if part not in _AROUND), 0)
    return (*parts[:first], *(part for part in parts[first:] if part not in _INSIDE))


def _is_whole(
    found: WeightSet, mapping: Mapping[str, Any], names: frozenset[str], fits: Fits
) -> bool:
    """Whether a set has every parameter of the model, in its shape."""
    return len(found.keys) == len(names) and all(
        _has_shape(mapping[key]) and fits(name, mapping[key]) for name, key in found.keys.items()
    )


def _distinct(
    whole: list[WeightSet], mappings: Mapping[tuple[str, ...], Mapping[str, Any]]
) -> list[WeightSet]:
    """The sets without those that repeat an earlier one to the bit."""
    kept: list[WeightSet] = []
    for found in whole:
        if not any(_equal(found, other, mappings) for other in kept):
            kept.append(found)
    return kept


def _equal(
    one: WeightSet, other: WeightSet, mappings: Mapping[tuple[str, ...], Mapping[str, Any]]
) -> bool:
    """Whether two sets are the same tensors, or plain ones of the same values."""
    pairs = (
        (mappings[one.path][key], mappings[other.path][other.keys[name]])
        for name, key in one.keys.items()
    )
    return all(a is b or _same_values(a, b) for a, b in pairs)


def _same_values(one: Tensor, other: Tensor) -> bool:
    """Whether two tensors are plain, of one type and equal in every element."""
    plain = all(
        t.layout == torch.strided and not t.is_meta and not t.is_nested for t in (one, other)
    )
    return plain and one.dtype == other.dtype and torch.equal(one, other)


def _lists(mappings: Mapping[tuple[str, ...], Mapping[str, Any]], whole: WeightSet) -> list[str]:
    """The names of lists of tensors whose shapes are the model's: averages without any names."""
    wanted = sorted(tuple(mappings[whole.path][key].shape) for key in whole.keys.values())
    return [
        ".".join((*path, key))
        for path, mapping in mappings.items()
        for key, value in mapping.items()
        if not key.lower().startswith("optim") and _shapes(value) == wanted
    ]


def _shapes(value: Any) -> list[tuple[int, ...]] | None:
    """The sorted shapes of a list of tensors; None for anything else."""
    if not isinstance(value, list | tuple) or not all(map(_has_shape, value)):
        return None
    return sorted(tuple(item.shape) for item in value)


def _named(wanted: str, whole: list[WeightSet], sets: list[WeightSet], where: str) -> WeightSet:
    """The set that `wanted` names, whole ones first; raises CheckpointError if there is none."""
    asked = wanted if wanted == ROOT else wanted.strip(".")
    for candidates in (whole, sorted(sets, key=lambda each: -len(each.keys))):
        for found in candidates:
            if asked in (found.full_name, found.name):
                return found
    known = ", ".join(shown(each.name) for each in whole) or "none that fits the model"
    raise CheckpointError(f"{where} has no weights {wanted!r}; it has {known}")


def _several(whole: list[WeightSet], lists: Sequence[str], where: str) -> CheckpointError:
    """The refusal of a file with more than one set of weights."""
    names = [each.name for each in whole]
    names = names if len(set(names)) == len(names) else [each.full_name for each in whole]
    nameless = (
        f"; {', '.join(map(shown, lists))} has the shapes of the weights too, but no names, and "
        "cannot be taken"
        if lists
        else ""
    )
    listed = ", ".join(map(shown, names))
    count = len(names) + len(lists)
    return CheckpointError(
        f"{where} holds {count} sets of weights that fit: {listed}{nameless}; choose one with "
        "--weights KEY"
    )


def _only(found: WeightSet, sets: list[WeightSet], whole: list[WeightSet], where: str) -> WeightSet:
    """The one set that fits, unless its prefix is no known wrapper's or some keys lack it."""
    if not found.wrapped:
        raise CheckpointError(
            f"the weights in {where} have the prefix {_prefix(found)} before every key, which no "
            f"known wrapper adds; give --weights {shown(found.name)} if they are the model's"
        )
    for other in sets:
        if other.path == found.path and other.wrapped and other not in whole:
            key = next(iter(other.keys.values()))
            raise CheckpointError(
                f"{where} holds some weights twice: all of them {_place(found)}, and "
                f"{len(other.keys)} {_place(other)} too ({shown(key)}); give --weights "
                f"{shown(found.full_name)} to take the whole set"
            )
    return found


def _prefix(found: WeightSet) -> str:
    """The prefix of a set's keys as it stands in a sentence."""
    return repr(shown(".".join(found.prefix) + "."))


def _place(found: WeightSet) -> str:
    """Where a set's keys are, in words."""
    return f"with the prefix {_prefix(found)}" if found.prefix else "without a prefix"


def _taken(
    found: WeightSet, mapping: Mapping[str, Any], whole: list[WeightSet], where: str
) -> Chosen:
    """The tensors of a set, with those below its prefix that the model does not know."""
    if found.twice:
        name, (one, other) = next(iter(found.twice.items()))
        raise CheckpointError(
            f"{where} holds {shown(name)} twice, as {shown(one)} and {shown(other)}; save one "
            "state dict"
        )
    tensors = {name: mapping[key] for name, key in found.keys.items()}
    known = {
        key for each in (found, *whole) if each.path == found.path for key in each.keys.values()
    }
    outside = []
    for key, value in mapping.items():
        parts = _parts(key)
        below = parts[: len(found.prefix)] == found.prefix
        if not isinstance(value, Tensor) or key in found.keys.values():
            continue
        counter = value.ndim == 0 and bool(found.prefix)  # of steps, beside an average
        if below and key not in known and not counter:
            tensors[".".join(parts[len(found.prefix) :])] = value
        else:
            outside.append(key)
    return Chosen(tensors, _recorded(found, whole), _notes(found, whole, outside))


def _recorded(found: WeightSet, whole: list[WeightSet]) -> str | None:
    """The name that takes this set again; None where nothing has to be said."""
    return None if found.full_name == ROOT and len(whole) < 2 else found.full_name


def _notes(found: WeightSet, whole: list[WeightSet], outside: list[str]) -> tuple[str, ...]:
    """One line on a set that is not simply the file's content; nothing for one that is."""
    said = []
    if found.path or len(whole) > 1:
        said.append(shown(found.name) + (", the only set that fits" if len(whole) == 1 else ""))
    if found.prefix:
        said.append(f"without the prefix {_prefix(found)}")
    if inner := _inner(found):
        said.append(f"without {', '.join(inner)} inside its keys")
    if outside:
        rest = f" and {len(outside) - 3} more" if len(outside) > 3 else ""
        said.append(f"leaving out {', '.join(map(shown, outside[:3]))}{rest}")
    return (f"weights: {'; '.join(said)}",) if said else ()


def _inner(found: WeightSet) -> list[str]:
    """What wrappers have put into the middle of a set's keys."""
    parts = {part for key in found.keys.values() for part in key.split(".")[len(found.prefix) :]}
    return sorted(parts & set(_INSIDE))


def _nearest(
    sets: list[WeightSet],
    mappings: Mapping[tuple[str, ...], Mapping[str, Any]],
    names: frozenset[str],
    where: str,
) -> Chosen:
    """The set with most names of the model; of none, the largest mapping."""
    if not sets:
        largest = max(mappings.values(), key=lambda each: sum(map(_is_tensor, each.values())))
        return Chosen({key: value for key, value in largest.items() if _is_tensor(value)}, None)
    best = max(sets, key=lambda each: len(each.keys))
    _require_one_prefix(best, sets, names, where)
    return _taken(best, mappings[best.path], [], where)


def _is_tensor(value: Any) -> bool:
    return isinstance(value, Tensor)


def _has_shape(value: Any) -> bool:
    """Whether a value is a tensor, and none that is a bundle of others."""
    return isinstance(value, Tensor) and not value.is_nested


def _require_one_prefix(
    best: WeightSet, sets: list[WeightSet], names: frozenset[str], where: str
) -> None:
    """Refuse keys of which only some have a prefix, where together they are the model's."""
    lacking = names - best.keys.keys()
    beside = [each for each in sets if each.path == best.path and each.prefix != best.prefix]
    for other in beside if lacking else ():
        if len(other.keys) < len(lacking) or not lacking <= other.keys.keys():
            continue
        few = sorted(other.keys[name] for name in lacking)
        raise CheckpointError(
            f"in {where} {len(best.keys)} of the model's {len(names)} keys are {_place(best)}, and "
            f"{len(few)} {_place(other)} ({', '.join(map(shown, few[:3]))}): these may be parts of "
            "two models; save one state dict"
        )

"""Which tensors of a file are the model's weights: the one set that fits, or the one that is named.

What fits the model is found by names and shapes; if more than one set does, the caller has to say
which.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor

from mvmoe_deploy.errors import CheckpointError
from mvmoe_deploy.models.weight_sets import (
    INSIDE,
    ROOT,
    Fits,
    WeightSet,
    is_tensor,
    is_whole,
    key_parts,
    nameless_lists,
    tensor_mappings,
    weight_sets,
)
from mvmoe_deploy.text import name as shown


@dataclass(frozen=True)
class ChosenWeights:
    """The weights of a file, and what a person should know of the choice."""

    tensors: dict[str, Tensor]
    name: str | None
    """What `weights` calls them; None where the file holds them as they are and nothing else."""
    notes: tuple[str, ...] = ()


def choose(
    content: Any, names: frozenset[str], fits: Fits, wanted: str | None, where: str
) -> ChosenWeights:
    """The tensors of a file that are the weights of a model whose parameters have these `names`.

    `wanted` names a set; else there must be exactly one that fits. Where none does, the nearest is
    given: loading it says what is wrong with it. Raises CheckpointError that names the sets
    if there are several, a prefix that is no known wrapper's, or one that only some keys have.
    """
    mappings = dict(tensor_mappings(content))
    if not any(
        isinstance(value, Tensor) for found in mappings.values() for value in found.values()
    ):
        raise CheckpointError(
            f"{where} holds a {_kind(content)}, not a state dict of tensors; save "
            "model.state_dict()",
            code="checkpoint.not-a-state-dict",
        )
    sets = [found for path, each in mappings.items() for found in weight_sets(path, each, names)]
    whole = [each for each in sets if is_whole(each, mappings[each.path], names, fits)]
    if wanted is not None:
        chosen_set = _named(wanted, whole, sets, mappings, where)
        return _tensors_of(chosen_set, mappings[chosen_set.path], whole, where)
    if not whole:
        return _nearest(sets, mappings, names, where)
    distinct, lists = _distinct(whole, mappings), nameless_lists(mappings, whole[0])
    if len(distinct) > 1 or lists:
        raise _several(distinct, lists, where)
    chosen_set = _only(whole[0], sets, whole, where)
    chosen = _tensors_of(chosen_set, mappings[chosen_set.path], whole, where)
    return replace(chosen, notes=(*chosen.notes, *_passed_over(chosen_set, sets, whole, names)))


def _passed_over(
    chosen_set: WeightSet, sets: list[WeightSet], whole: list[WeightSet], names: frozenset[str]
) -> Iterator[str]:
    """One line on each other set that has most of the names, and yet does not fit."""
    for other in sets:
        # What is beside the keys of the chosen set in their own mapping is named key by key.
        if other in whole or other.path == chosen_set.path or 2 * len(other.keys) < len(names):
            continue
        reason = (
            "has other shapes"
            if len(other.keys) == len(names)
            else f"has {len(other.keys)} of the model's {len(names)} weights"
        )
        yield f"weights: {shown(other.name)} {reason}, and is not taken"


def _kind(content: Any) -> str:
    """What a file without weights holds, as it stands in a sentence."""
    kind = type(content).__name__
    keys = [shown(str(key)) for key in content] if isinstance(content, Mapping) else []
    rest = f" and {len(keys) - 5} more" if len(keys) > 5 else ""
    return f"{kind} of {', '.join(keys[:5])}{rest}" if keys else kind


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


def _named(
    wanted: str,
    whole: list[WeightSet],
    sets: list[WeightSet],
    mappings: Mapping[tuple[str, ...], Mapping[str, Any]],
    where: str,
) -> WeightSet:
    """The set that `wanted` names: whole ones first, and full names before short ones.

    Raises CheckpointError if there is none, or if more than one has the name.
    """
    asked = wanted if wanted == ROOT else wanted.strip(".")
    for candidates in (whole, sorted(sets, key=lambda each: -len(each.keys))):
        for found in (
            [each for each in candidates if each.full_name == asked],
            [each for each in candidates if each.name == asked],
        ):
            if candidates is whole and len(_distinct(found, mappings)) > 1:
                raise _ambiguous(asked, found, where)
            if found:
                return found[0]
    known = ", ".join(shown(each.name) for each in whole) or "none that fits the model"
    raise CheckpointError(
        f"{where} has no weights {wanted!r}; it has {known}",
        code="checkpoint.weights-choice",
        given=wanted,
        available=_names(whole),
    )


def _names(sets: Sequence[WeightSet]) -> list[str]:
    """The full names of some sets, for the field of an error; of many the first."""
    return [shown(name) for name in list(dict.fromkeys(each.full_name for each in sets))[:16]]


def _ambiguous(asked: str, found: list[WeightSet], where: str) -> CheckpointError:
    """The refusal of a name that several sets have."""
    full = list(dict.fromkeys(each.full_name for each in found))
    advice = (
        f"give one of {', '.join(map(shown, full))}" if len(full) > 1 else "save one state dict"
    )
    return CheckpointError(
        f"{where} has {len(found)} sets of weights called {shown(asked)}; {advice}",
        code="checkpoint.weights-choice",
        given=asked,
        available=_names(found),
    )


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
        "--weights KEY",
        code="checkpoint.weights-choice",
        available=_names(whole),
    )


def _only(found: WeightSet, sets: list[WeightSet], whole: list[WeightSet], where: str) -> WeightSet:
    """The one set that fits, unless its prefix is no known wrapper's or some keys lack it."""
    if not found.wrapped:
        raise CheckpointError(
            f"the weights in {where} have the prefix {_prefix(found)} before every key, which no "
            f"known wrapper adds; give --weights {shown(found.name)} if they are the model's",
            code="checkpoint.weights-choice",
            available=_names([found]),
        )
    for other in sets:
        if other.path == found.path and other.wrapped and other not in whole:
            key = next(iter(other.keys.values()))
            raise CheckpointError(
                f"{where} holds some weights twice: all of them {_place(found)}, and "
                f"{len(other.keys)} {_place(other)} too ({shown(key)}); give --weights "
                f"{shown(found.full_name)} to take the whole set",
                code="checkpoint.weights-choice",
                available=_names([found]),
            )
    return found


def _prefix(found: WeightSet) -> str:
    """The prefix of a set's keys as it stands in a sentence."""
    return repr(shown(".".join(found.prefix) + "."))


def _place(found: WeightSet) -> str:
    """Where a set's keys are, in words."""
    return f"with the prefix {_prefix(found)}" if found.prefix else "without a prefix"


def _tensors_of(
    found: WeightSet, mapping: Mapping[str, Any], whole: list[WeightSet], where: str
) -> ChosenWeights:
    """The tensors of a set, with those below its prefix that the model does not know."""
    if found.twice:
        name, (one, other) = next(iter(found.twice.items()))
        raise CheckpointError(
            f"{where} holds {shown(name)} twice, as {shown(one)} and {shown(other)}; save one "
            "state dict",
            code="checkpoint.does-not-fit",
            unknown=[shown(one), shown(other)],
        )
    tensors = {name: mapping[key] for name, key in found.keys.items()}
    known = {
        key for each in (found, *whole) if each.path == found.path for key in each.keys.values()
    }
    outside = []
    for key, value in mapping.items():
        parts = key_parts(key)
        below = parts[: len(found.prefix)] == found.prefix
        if not isinstance(value, Tensor) or key in found.keys.values():
            continue
        counter = value.ndim == 0 and bool(found.prefix)  # of steps, beside an average
        if below and key not in known and not counter:
            tensors[".".join(parts[len(found.prefix) :])] = value
        else:
            outside.append(key)
    return ChosenWeights(tensors, _recorded(found, whole), _notes(found, whole, outside))


def _recorded(found: WeightSet, whole: list[WeightSet]) -> str | None:
    """The name that takes this set again; None where no name is needed."""
    return None if found.full_name == ROOT and len(whole) < 2 else found.full_name


def _notes(found: WeightSet, whole: list[WeightSet], outside: list[str]) -> tuple[str, ...]:
    """One line on a set that is not simply the file's content; nothing for one that is."""
    found_notes: list[str] = []
    if found.path or len(whole) > 1:
        found_notes.append(
            shown(found.name) + (", the only set that fits" if len(whole) == 1 else "")
        )
    if found.prefix:
        found_notes.append(f"without the prefix {_prefix(found)}")
    if inner := _inner(found):
        found_notes.append(f"without {', '.join(inner)} inside its keys")
    if outside:
        rest = f" and {len(outside) - 3} more" if len(outside) > 3 else ""
        found_notes.append(f"leaving out {', '.join(map(shown, outside[:3]))}{rest}")
    return (f"weights: {'; '.join(found_notes)}",) if found_notes else ()


def _inner(found: WeightSet) -> list[str]:
    """What wrappers have put into the middle of a set's keys."""
    parts = {part for key in found.keys.values() for part in key.split(".")[len(found.prefix) :]}
    return sorted(parts & set(INSIDE))


def _nearest(
    sets: list[WeightSet],
    mappings: Mapping[tuple[str, ...], Mapping[str, Any]],
    names: frozenset[str],
    where: str,
) -> ChosenWeights:
    """The set with most names of the model; of none, the largest mapping."""
    if not sets:
        largest = max(mappings.values(), key=lambda each: sum(map(is_tensor, each.values())))
        return ChosenWeights(
            {key: value for key, value in largest.items() if is_tensor(value)}, None
        )
    best = max(sets, key=lambda each: len(each.keys))
    _require_one_prefix(best, sets, names, where)
    return _tensors_of(best, mappings[best.path], [], where)


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
            "two models; save one state dict",
            code="checkpoint.does-not-fit",
            missing=[shown(name) for name in sorted(lacking)[:16]],
        )

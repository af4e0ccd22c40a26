"""Write the conformance cases of routing: run this file.

The expected values are those of mvmoe_deploy. Rows that a change of 4 units in the last place of
any exponential or sum would change are left out, so no language's library decides one. The test
beside this file compares the cases with a second reader, and asserts that this program writes what
is committed.
"""

import itertools
import json
import math
import random
import struct
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[2] / "support"))

from page_routing import PageReader, fp32
from routing_reference import ReferenceReader
from routing_suite import RefusedError, from_bits, to_bits

from mvmoe_deploy.routing.plain_data import rule_from

FOLDER = Path(__file__).parent / "cases"
READER = ReferenceReader()
LARGEST = float(np.finfo(np.float32).max)
SMALLEST = 2.0**-149
_SLIPS = [PageReader(one, other) for one in (-4, 0, 4) for other in (-8, 0, 8)]
"""Readers whose exponentials are off by 4 units, and sums by 4 more than these make of it."""

Rule = dict[str, Any]
Row = dict[str, Any]
Logits = list[float]


def step(x: float, count: int = 1) -> float:
    """The fp32 number that is so many steps above x."""
    for _ in range(abs(count)):
        x = float(np.nextafter(np.float32(x), np.float32(math.copysign(math.inf, count))))
    return x


# Logits


def normal(dice: random.Random, experts: int) -> Logits:
    return [fp32(dice.gauss(0, 2)) for _ in range(experts)]


def few_values(dice: random.Random, experts: int) -> Logits:
    """Many ties."""
    return [dice.choice([-1.0, 0.0, 0.5, 3.0]) for _ in range(experts)]


def all_equal(dice: random.Random, experts: int) -> Logits:
    return [dice.choice([0.0, -0.0, 7.25, -88.5])] * experts


def near_ties(dice: random.Random, experts: int) -> Logits:
    """Logits that are a few steps apart: some have one score, some have not."""
    start = fp32(dice.uniform(-4, 4))
    return [step(start, dice.randint(-3, 3)) for _ in range(experts)]


def equal_scores(dice: random.Random, experts: int) -> Logits:
    """Logits near 0 that differ by less than a score can show, higher experts being higher."""
    return [fp32(expert * dice.choice([1e-9, 1e-12, SMALLEST])) for expert in range(experts)]


def far_apart(dice: random.Random, experts: int) -> Logits:
    """Scores that underflow: to subnormal numbers, and to 0."""
    values = [0.0, -60.0, -87.5, -90.0, -95.0, -100.0, -104.0, -150.0, -200.0, -201.0]
    return [dice.choice(values) for _ in range(experts)]


def extremes(dice: random.Random, experts: int) -> Logits:
    values = [LARGEST, -LARGEST, 1e30, -1e30, SMALLEST, -SMALLEST, 0.0, -0.0, 1.0]
    return [fp32(dice.choice(values)) for _ in range(experts)]


def ramp(dice: random.Random, experts: int) -> Logits:
    """Every expert a little lower than the one before, in some order."""
    values = [fp32(-dice.choice([0.1, 0.5, 1.0]) * place) for place in range(experts)]
    return dice.sample(values, experts)


MAKERS: list[Callable[[random.Random, int], Logits]] = [
    normal, few_values, all_equal, near_ties, equal_scores, far_apart, extremes, ramp,
]  # fmt: skip


def where_order_matters() -> Logits:
    """4,096 logits whose first score is 1 in fp32 only if they are summed in order.

    e^-37 is less than half a unit in the last place of 1: added to it one after the other, 4,094 of
    them do nothing; together they are 3.5e-13. The second logit takes the first score to 1e-13
    above the middle of two fp32 numbers.
    """
    wanted = (1 / (1 - 2**-25) - 1) - 1e-13
    second = fp32(math.log(wanted))
    while math.exp(second) > wanted:
        second = step(second, -1)
    return [0.0, second, *[-37.0] * 4094]


# Rules


def rules() -> Iterator[tuple[str, Rule]]:
    """Rules that images can follow, with the file that each is in."""
    for experts, k in [(1, 1), (2, 1), (3, 2), (4, 1), (4, 4), (5, 2), (8, 3), (16, 4), (64, 1)]:
        for renormalize in (False, True):
            rule = {"type": "top_k", "experts": experts, "k": k, "renormalize": renormalize}
            yield "top_k", rule
    yield "top_k", {"type": "top_k", "experts": 3}
    for experts, p, k_max in [
        (1, 0.5, 1), (2, 0.5, 2), (4, 0.0, 4), (4, 0.25, 4), (4, 0.5, 4), (4, 0.5, 2), (4, 0.9, 3),
        (8, 0.3, 8), (8, 0.75, 8), (10, 0.1, 5), (16, 0.999, 16), (64, 0.6, 8),
    ]:  # fmt: skip
        for renormalize in (False, True):
            rule = {"type": "top_p", "experts": experts, "p": p, "k_max": k_max}
            yield "top_p", {**rule, "renormalize": renormalize}
    for thresholds in [
        [0.5], [0.0, 0.0], [0.1, 0.3, -0.7], [0.5, 0.5, 0.5, 0.5], [9.0, 9.0, 9.0, 1.0],
        [-1.0, 0.0, 3.0, 0.5, 0.1], [60.0, -60.0, 0.0, 20.0], [3e38, -3e38, 1e-45],
        [round(0.1 * expert - 0.8, 1) for expert in range(16)],
    ]:  # fmt: skip
        yield (
            "threshold",
            {
                "type": "threshold",
                "experts": len(thresholds),
                "thresholds": thresholds,
            },
        )
    for experts, k in [(1, 1), (4, 1), (4, 2), (5, 5)]:
        yield "top_k", {"type": "top_k", "experts": experts, "k": k, "unit_gates": True}


def kept_rules() -> Iterator[Rule]:
    """Rules that select from some of their experts."""
    for experts, k, kept in [
        (2, 1, [1]), (3, 1, [0, 2]), (4, 2, [0, 1, 3]), (4, 2, [1, 2]), (8, 3, [0, 2, 3, 5, 7]),
        (16, 4, [1, 2, 4, 5, 8, 9, 11, 14, 15]),
    ]:  # fmt: skip
        for renormalize in (False, True):
            rule = {"type": "top_k", "experts": experts, "k": k, "renormalize": renormalize}
            yield {**rule, "kept": kept}
    yield {"type": "top_k", "experts": 5, "k": 2, "unit_gates": True, "kept": [0, 3, 4]}
    for experts, p, k_max, kept in [
        (2, 0.5, 2, [0]), (4, 0.25, 4, [1, 2, 3]), (4, 0.5, 2, [0, 3]), (4, 0.9, 3, [0, 1, 2]),
        (8, 0.3, 8, [0, 1, 4, 6]), (16, 0.999, 16, [1, 2, 4, 5, 8, 9, 11, 14, 15]),
    ]:  # fmt: skip
        for renormalize in (False, True):
            rule = {"type": "top_p", "experts": experts, "p": p, "k_max": k_max}
            yield {**rule, "renormalize": renormalize, "kept": kept}
    for thresholds, kept in [
        ([0.0, 0.0], [1]), ([0.5, 0.5, 0.5, 0.5], [0, 2, 3]), ([9.0, 9.0, 9.0, 1.0], [0, 1, 2]),
        ([-1.0, 0.0, 3.0, 0.5, 0.1], [2, 4]), ([3e38, -3e38, 1e-45], [0, 2]),
        ([round(0.1 * expert - 0.8, 1) for expert in range(16)], [*range(1, 16, 2)]),
    ]:  # fmt: skip
        rule = {"type": "threshold", "experts": len(thresholds), "thresholds": thresholds}
        yield {**rule, "kept": kept}


def kept_given_rules() -> Iterator[Rule]:
    """Rules whose router selects from some experts, and whose names may have others."""
    table = {"depth": [0, 1], "segment": [3], "both": [0, 1, 3]}
    for router in routers():
        if router is not None:
            otherwise = {**router, "kept": [1, 2, 3]}
            yield {
                "type": "given", "experts": 4, "choice": "task", "routes": table,
                "otherwise": otherwise,
            }  # fmt: skip


def bad_kept() -> Iterator[Rule]:
    """Rules that keep what cannot be kept, each nearly right."""
    for good in (
        {"type": "top_k", "experts": 4},
        {"type": "top_p", "experts": 4, "p": 0.5, "k_max": 2},
        {"type": "threshold", "experts": 4, "thresholds": [0.0] * 4},
    ):
        for kept in ([], [0, 1, 2, 3], [2, 0], [1, 1], [1, 4], [-1, 2], [4095]):
            yield {**good, "kept": kept}
    yield {"type": "top_k", "experts": 4, "k": 2, "kept": [3]}
    yield {"type": "top_k", "experts": 4, "k": 3, "renormalize": True, "kept": [0, 2]}
    yield {"type": "top_k", "experts": 1, "kept": [0]}
    given: Rule = {"type": "given", "experts": 4, "routes": {"night": [2]}}
    yield {**given, "otherwise": {"type": "top_k", "experts": 4, "kept": [0, 4]}}


def routers() -> Iterator[Rule | None]:
    """What decides where the caller does not."""
    yield None
    for k, renormalize in [(1, False), (2, False), (2, True)]:
        yield {"type": "top_k", "experts": 4, "k": k, "renormalize": renormalize}
    yield {"type": "top_p", "experts": 4, "p": 0.5, "k_max": 3, "renormalize": True}
    yield {"type": "threshold", "experts": 4, "thresholds": [0.1, 0.3, -0.7, 2.0]}


def given_rules() -> Iterator[Rule]:
    """Rules whose caller may choose, with tables of one and of several names."""
    tables = [
        {"night": [2]},
        {"depth": [0, 1], "segment": [3], "both": [0, 1, 3]},
        {"b": [1], "a": [1], "B.2-x": [0, 2], "_": [0, 1, 2, 3]},
    ]
    for table, router in itertools.product(tables, routers()):
        choice = {"choice": "task"} if len(table) > 1 else {}
        otherwise = {} if router is None else {"otherwise": router}
        yield {"type": "given", "experts": 4, **choice, "routes": table, **otherwise}


def bad_given() -> Iterator[Rule]:
    """Rules whose caller could not choose, each nearly right."""
    good: Rule = {"type": "given", "experts": 4, "routes": {"night": [2]}}
    for table in ({}, {"": [2]}, {"a b": [2]}, {"n\n": [2]}, {"a": []}, {"a": [4]}, {"a": [1, 0]}):
        yield {**good, "routes": table}
    for choice in ("", "Task", "a-b", "9"):
        yield {**good, "choice": choice}
    yield {**good, "otherwise": good}
    yield {**good, "otherwise": {"type": "top_k", "experts": 3}}
    yield {**good, "otherwise": {"type": "top_k", "experts": 4, "k": 5}}


def bad_rules() -> Iterator[Rule]:
    """Rules that no image can follow, each nearly right."""
    yield from (
        {"type": "top_k", "experts": experts, "k": k}
        for experts, k in [(0, 0), (4, 0), (4, 5), (4, -1), (4097, 1)]
    )
    yield {"type": "top_k", "experts": 4, "renormalize": True, "unit_gates": True}
    yield from (
        {"type": "top_p", "experts": 4, "p": p, "k_max": k_max}
        for p, k_max in [(1.0, 2), (-0.25, 2), (0.5, 0), (0.5, 5)]
    )
    yield from (
        {"type": "threshold", "experts": 2, "thresholds": thresholds}
        for thresholds in ([0.0], [0.0, 0.0, 0.0], [0.0, 1e39])
    )
    yield from bad_given()


# Rows


def routed(rule: Rule, logits: Logits) -> Row | None:
    """What becomes of logits; None if the last bits of a library would decide it."""
    route, gates = READER.select(rule, logits)
    if any(slip.select(rule, logits) != (route, gates) for slip in _SLIPS):
        return None
    row = {"logits": to_bits(logits), "route": route, "gates": to_bits(gates)}
    margin = float(rule_from(rule).margins(np.float32([logits]))[0])
    return {**row, "margin": None if math.isinf(margin) else float(f"{margin:.9g}")}


def imposed(rule: Rule, route: list[int], logits: Logits) -> Row | None:
    """What gates a route has; None as above."""
    gates = READER.gates(rule, route, logits)
    if any(slip.gates(rule, route, logits) != gates for slip in _SLIPS):
        return None
    return {"logits": to_bits(logits), "imposed": route, "gates": to_bits(gates)}


def chosen(rule: Rule, choices: dict[str, str], logits: Logits) -> Row | None:
    """What becomes of a caller's choice; None as above."""
    route, gates = READER.choose(rule, choices, logits)
    if any(slip.choose(rule, choices, logits) != (route, gates) for slip in _SLIPS):
        return None
    return {"logits": to_bits(logits), "choices": choices, "route": route, "gates": to_bits(gates)}


def golden(rule: Rule, image: int, logits: Logits) -> Row | None:
    """What becomes of a golden image; None as above."""
    route, gates = READER.in_turn(rule, image, logits)
    if any(slip.in_turn(rule, image, logits) != (route, gates) for slip in _SLIPS):
        return None
    return {"logits": to_bits(logits), "golden": image, "route": route, "gates": to_bits(gates)}


def refused_choice(rule: Rule, choices: dict[str, str], logits: Logits) -> Row:
    """The code that a reader gives to a choice."""
    try:
        found = READER.choose(rule, choices, logits)
    except RefusedError as error:
        return {"logits": to_bits(logits), "choices": choices, "code": error.code}
    raise AssertionError(f"{rule} took {choices} and {logits}: {found}")


def refused(rule: Rule, logits: Logits, route: list[int] | None = None) -> Row:
    """The code that a reader gives; `route` is imposed."""
    try:
        found = READER.select(rule, logits) if route is None else READER.gates(rule, route, logits)
    except RefusedError as error:
        wanted = {} if route is None else {"imposed": route}
        return {"logits": to_bits(logits), **wanted, "code": error.code}
    raise AssertionError(f"{rule} took {logits} and {route}: {found}")


def rows(rule: Rule, dice: random.Random) -> Iterator[Row | None]:
    """The rows of one rule: routed by it, and imposed."""
    experts = rule["experts"]
    for maker, _ in itertools.product(MAKERS, range(10 if experts < 64 else 2)):
        yield routed(rule, maker(dice, experts))
    found = rule_from(rule)
    routes = [list(route) for route in itertools.islice(found.routes(), 40)]
    for maker, _ in itertools.product(MAKERS, range(2)):
        yield imposed(rule, dice.choice(routes), maker(dice, experts))
    if rule["type"] == "threshold":
        thresholds = [fp32(threshold) for threshold in rule["thresholds"]]
        for count in (-1, 0, 1):
            yield routed(rule, [step(threshold, count) for threshold in thresholds])
            yield routed(rule, [step(t, dice.randint(-1, 1)) for t in thresholds])


def kept_rows(rule: Rule, dice: random.Random) -> Iterator[Row | None]:
    """The rows of a rule that keeps some experts."""
    experts = rule["experts"]
    for maker, _ in itertools.product(MAKERS, range(4)):
        yield routed(rule, maker(dice, experts))
    for maker in (normal, near_ties, near_ties, few_values, far_apart):
        yield untouched(rule, dice, maker)
    routes = [list(route) for route in itertools.islice(rule_from(rule).routes(), 40)]
    for maker in MAKERS:
        yield imposed(rule, dice.choice(routes), maker(dice, experts))
    if rule["type"] == "threshold":
        thresholds = [fp32(threshold) for threshold in rule["thresholds"]]
        for count in (-1, 0, 1):
            yield routed(rule, [step(threshold, count) for threshold in thresholds])
            yield routed(rule, [step(t, dice.randint(-1, 1)) for t in thresholds])


def untouched(
    rule: Rule, dice: random.Random, maker: Callable[[random.Random, int], Logits]
) -> Row | None:
    """Logits whose route by all experts has kept ones alone: they keep it, and its gates.

    None where no such logits were found.
    """
    for _ in range(200):
        logits = maker(dice, rule["experts"])
        before = READER.select({**rule, "kept": None}, logits)
        if set(before[0]) <= set(rule["kept"]):
            assert READER.select(rule, logits) == before
            return routed(rule, logits)
    return None


def kept_refusals(rule: Rule, dice: random.Random) -> Iterator[Row]:
    """Imposed routes with an expert that is not kept."""
    every = rule_from({**rule, "kept": None})
    others = [list(route) for route in every.routes() if not set(route) <= set(rule["kept"])]
    for route in dice.sample(others, min(6, len(others))):
        yield refused(rule, normal(dice, rule["experts"]), route)


def given_rows(rule: Rule, dice: random.Random) -> Iterator[Row | None]:
    """The rows of one rule whose caller may choose; without a router there are no logits."""
    choice, routed_too = rule.get("choice", "route"), "otherwise" in rule
    for name in rule["routes"]:
        for maker in MAKERS if routed_too else [None]:
            yield chosen(rule, {choice: name}, maker(dice, 4) if maker else [])
    for route in rule["routes"].values():
        yield imposed(rule, route, normal(dice, 4) if routed_too else [])
    for image in range(7):
        yield golden(rule, image, normal(random.Random(image), 4) if routed_too else [])
    for maker, _ in itertools.product(MAKERS if routed_too else [], range(5)):
        yield routed(rule, maker(dice, 4))
        yield chosen(rule, {}, maker(dice, 4))
        routes = [list(route) for route in itertools.islice(rule_from(rule).routes(), 20)]
        yield imposed(rule, dice.choice(routes), maker(dice, 4))


def given_refusals(rule: Rule, dice: random.Random) -> Iterator[Row]:
    """Choices that a healthy rule refuses, before it looks at logits."""
    choice = rule.get("choice", "route")
    logits = normal(dice, 4) if "otherwise" in rule else []
    yield refused_choice(rule, {choice: "nothing"}, logits)
    yield refused_choice(rule, {choice: ""}, logits)
    yield refused_choice(rule, {"other": next(iter(rule["routes"]))}, logits)
    yield refused_choice(rule, {choice: next(iter(rule["routes"])), "other": "x"}, logits)
    if "otherwise" not in rule:
        yield refused_choice(rule, {}, logits)
        yield refused(rule, logits, [0, 3])
        return
    for bad in (math.nan, math.inf, -math.inf):
        row = [bad, *logits[1:]]
        yield refused_choice(rule, {choice: next(iter(rule["routes"]))}, row)
        yield refused_choice(rule, {}, row)
    yield refused_choice(rule, {}, logits[1:])


def refusals(rule: Rule, dice: random.Random) -> Iterator[Row]:
    """What a healthy rule refuses."""
    experts = rule["experts"]
    for bad in (math.nan, math.inf, -math.inf):
        row = normal(dice, experts)
        row[dice.randrange(experts)] = bad
        yield refused(rule, row)
        yield refused(rule, row, list(next(rule_from(rule).routes())))
    yield refused(rule, normal(dice, experts + 1))
    if experts > 1:
        yield refused(rule, normal(dice, experts - 1))
    longer = list(range(rule_from(rule).longest + 1))
    for route in ([], [0], [experts], [-1], [1, 0], [0, 0], longer):
        if not rule_from(rule).contains(tuple(route)):
            yield refused(rule, normal(dice, experts), route)


def cases() -> dict[str, list[dict[str, Any]]]:
    """All cases by file; the same every time."""
    dice = random.Random(17)
    found: dict[str, list[dict[str, Any]]] = {}
    for name, rule in rules():
        kept = [row for row in rows(rule, dice) if row is not None]
        found.setdefault(name, []).append({"rule": rule, "rows": kept})
    own_dice = random.Random(18)
    for rule in given_rules():
        kept = [row for row in given_rows(rule, own_dice) if row is not None]
        found.setdefault("given", []).append({"rule": rule, "rows": kept})
    kept_dice = random.Random(19)
    for rule in kept_rules():
        kept = [row for row in kept_rows(rule, kept_dice) if row is not None]
        found[rule["type"]].append({"rule": rule, "rows": kept})
    for rule in kept_given_rules():
        kept = [row for row in given_rows(rule, kept_dice) if row is not None]
        found["given"].append({"rule": rule, "rows": kept})
    order = {"type": "top_k", "experts": 4096, "k": 1}
    found["top_k"].append({"rule": order, "rows": [routed(order, where_order_matters())]})
    found["refused"] = [
        {"rule": rule, "rows": list(refusals(rule, dice))}
        for _, rule in rules()
        if rule["experts"] < 64
    ]
    found["refused"] += [
        {"rule": rule, "rows": list(given_refusals(rule, own_dice))} for rule in given_rules()
    ]
    plain = {"type": "top_k", "experts": 2}
    found["refused"] += [
        {"rule": plain, "rows": [refused_choice(plain, {"task": "depth"}, [0.0, 1.0])]}
    ]
    found["refused"] += [
        {"rule": rule, "rows": [refused(rule, [0.0] * max(1, min(rule["experts"], 5)))]}
        for rule in bad_rules()
    ]
    found["refused"] += [
        {"rule": rule, "rows": [*refusals(rule, kept_dice), *kept_refusals(rule, kept_dice)]}
        for rule in kept_rules()
    ]
    found["refused"] += [
        {"rule": rule, "rows": [refused(rule, [0.0] * rule["experts"])]} for rule in bad_kept()
    ]
    return found


def text_of(found: list[dict[str, Any]]) -> str:
    """A file: a rule a line, and below it a row a line."""
    parts = []
    for case in found:
        lines = ",\n".join(json.dumps(row, separators=(",", ":")) for row in case["rows"])
        parts.append(f'{{"rule":{json.dumps(case["rule"])},"rows":[\n{lines}\n]}}')
    return '{"cases":[\n' + ",\n".join(parts) + "\n]}\n"


def main() -> None:
    """Write every file."""
    for name, found in cases().items():
        (FOLDER / f"{name}.json").write_text(text_of(found), encoding="utf-8")


if __name__ == "__main__":
    assert from_bits(to_bits([1.0])) == [1.0]
    assert struct.pack(">f", 1.0).hex() == to_bits([1.0])
    main()

"""A reader of *Routing*, written from docs/bundle.md alone, in plain Python.

`exp` comes from decimal arithmetic and is correctly rounded. To find out what a library's last bits
would decide, every exponential and every sum can be moved by some units in its last place.
"""

import itertools
import math
import re
import struct
from decimal import Context, Decimal
from functools import cache
from typing import Any

from routing_suite import RefusedError

_DIGITS = Context(prec=50)


@cache
def exp(x: float) -> float:
    """e^x, correctly rounded to double precision, for x <= 0."""
    return 0.0 if x < -800 else float(Decimal(x).exp(_DIGITS))


def fp32(x: float) -> float:
    """x rounded to fp32."""
    rounded: float = struct.unpack("f", struct.pack("f", x))[0]
    return rounded


def moved(x: float, ulps: int) -> float:
    """The double that is so many steps from x; 0 stays."""
    return x if x == 0 else x + ulps * math.ulp(x)


class PageReader:
    """The page in plain Python."""

    def __init__(self, exp_ulps: int = 0, sum_ulps: int = 0) -> None:
        self._exp_ulps, self._sum_ulps = exp_ulps, sum_ulps

    def shares(self, logits: list[float]) -> list[float]:
        """Step 2: the softmax of some logits, rounded to fp32."""
        top = max(logits)
        weights = [moved(exp(logit - top), self._exp_ulps) for logit in logits]
        total = 0.0
        for weight in weights:
            total += weight
        total = moved(total, self._sum_ulps)
        return [fp32(weight / total) for weight in weights]

    def select(self, rule: dict[str, Any], logits: list[float]) -> tuple[list[int], list[float]]:
        """Steps 1 to 4, where the caller has chosen nothing."""
        require_rule(rule)
        if rule["type"] == "given":
            return self.choose(rule, {}, logits)
        require_logits(rule, logits)
        route = sorted(getattr(self, f"_{rule['type']}")(rule, logits))
        return route, self._gates(rule, route, logits)

    def choose(
        self, rule: dict[str, Any], choices: dict[str, str], logits: list[float]
    ) -> tuple[list[int], list[float]]:
        """What comes before step 1."""
        require_rule(rule)
        if any(choice != self._choice(rule) for choice in choices):
            raise RefusedError("routing.no-such-choice")
        if choices:
            name = choices[self._choice(rule)]
            if name not in rule["routes"]:
                raise RefusedError("routing.choice-unknown")
            return rule["routes"][name], self.gates(rule, rule["routes"][name], logits)
        if rule["type"] != "given":
            return self.select(rule, logits)
        if rule.get("otherwise") is None:
            raise RefusedError("routing.choice-missing")
        return self.select(rule["otherwise"], logits)

    def in_turn(
        self, rule: dict[str, Any], image: int, logits: list[float]
    ) -> tuple[list[int], list[float]]:
        """*Golden vectors*: what golden image j takes."""
        turns: list[str | None] = [*sorted(rule["routes"])]
        if rule.get("otherwise") is not None:
            turns.append(None)
        name = turns[image % len(turns)]
        return self.choose(rule, {} if name is None else {self._choice(rule): name}, logits)

    def _choice(self, rule: dict[str, Any]) -> str | None:
        """What the caller of a rule chooses; None for rules of a router."""
        return rule.get("choice", "route") if rule["type"] == "given" else None

    def gates(self, rule: dict[str, Any], route: list[int], logits: list[float]) -> list[float]:
        """Step 4 for a route that is imposed."""
        require_rule(rule)
        require_logits(rule, logits)
        require_route(rule, route)
        return self._gates(rule, route, logits)

    def _gates(self, rule: dict[str, Any], route: list[int], logits: list[float]) -> list[float]:
        if rule["type"] == "given":
            inner = rule.get("otherwise")
            return [1.0] * len(route) if inner is None else self._gates(inner, route, logits)
        if rule["type"] == "threshold":
            return [fp32(1 / len(route))] * len(route)
        if rule.get("unit_gates", False):
            return [1.0] * len(route)
        if rule.get("renormalize", False):
            return self.shares([logits[expert] for expert in route])
        scores = self.shares(logits)
        return [scores[expert] for expert in route]

    def _ranked(self, rule: dict[str, Any], logits: list[float]) -> tuple[list[int], list[float]]:
        """Usable experts by descending score, the lower of equals first, and all scores."""
        scores = self.shares(logits)
        return sorted(usable(rule), key=lambda expert: (-scores[expert], expert)), scores

    def _top_k(self, rule: dict[str, Any], logits: list[float]) -> list[int]:
        return self._ranked(rule, logits)[0][: rule.get("k", 1)]

    def _top_p(self, rule: dict[str, Any], logits: list[float]) -> list[int]:
        order, scores = self._ranked(rule, logits)
        route: list[int] = []
        total = 0.0
        for expert in order[: rule["k_max"]]:
            route.append(expert)
            total += scores[expert]
            if total > rule["p"]:
                break
        return route

    def _threshold(self, rule: dict[str, Any], logits: list[float]) -> list[int]:
        thresholds = [fp32(threshold) for threshold in rule["thresholds"]]
        above = [expert for expert in usable(rule) if logits[expert] > thresholds[expert]]
        return above or self._highest(rule, logits)

    def _highest(self, rule: dict[str, Any], logits: list[float]) -> list[int]:
        """The usable expert of the highest logit, of equal ones the lowest."""
        return [max(usable(rule), key=lambda expert: (logits[expert], -expert))]


def usable(rule: dict[str, Any]) -> list[int]:
    """The experts that a rule of a router can select, in ascending order."""
    kept = rule.get("kept")
    return [*range(rule["experts"])] if kept is None else kept


def longest(rule: dict[str, Any]) -> int:
    """The most experts in a route of a rule."""
    if rule["type"] == "top_k":
        return rule.get("k", 1)
    if rule["type"] == "threshold":
        return len(usable(rule))
    if rule["type"] == "given":
        inner = [longest(rule["otherwise"])] if rule.get("otherwise") else []
        return max([*map(len, rule["routes"].values()), *inner])
    if rule.get("kept") is not None:
        return min(rule["k_max"], len(rule["kept"]))
    enough = math.floor(rule["p"] * rule["experts"] * (1 + 2**-22)) + 1
    return min(rule["k_max"], rule["experts"], enough)


def require_rule(rule: dict[str, Any]) -> None:
    """A rule that images can follow."""
    experts, kind = rule["experts"], rule["type"]
    fits = {
        "top_k": lambda: (
            1 <= rule.get("k", 1) <= experts
            and not (rule.get("renormalize") and rule.get("unit_gates"))
        ),
        "top_p": lambda: 0 <= rule["p"] < 1 and 1 <= rule["k_max"] <= experts,
        "threshold": lambda: (
            len(rule["thresholds"]) == experts and all(abs(t) <= 3e38 for t in rule["thresholds"])
        ),
        "given": lambda: fits_given(rule),
    }
    if not (1 <= experts <= 4096 and fits[kind]() and fits_kept(rule)):
        raise RefusedError("routing.rule-invalid")


def fits_kept(rule: dict[str, Any]) -> bool:
    """Whether what is kept is fewer experts than all, and enough for a route."""
    kept = rule.get("kept")
    least = rule.get("k", 1) if rule["type"] == "top_k" else 1
    return kept is None or (is_some(kept, rule["experts"]) and least <= len(kept) < rule["experts"])


def fits_given(rule: dict[str, Any]) -> bool:
    """Whether names and routes are some, and the rule otherwise is of as many experts."""
    inner = rule.get("otherwise")
    if inner is not None:
        require_rule(inner)
        if inner["type"] == "given" or inner["experts"] != rule["experts"]:
            return False
    names = all(
        re.fullmatch(r"[A-Za-z0-9_][A-Za-z0-9_.\-]{0,199}", name) for name in rule["routes"]
    )
    choice = re.fullmatch("[a-z][a-z0-9_]{0,63}", rule.get("choice", "route"))
    inside = all(is_some(route, rule["experts"]) for route in rule["routes"].values())
    return bool(rule["routes"] and names and choice and inside)


def is_some(route: list[int], experts: int) -> bool:
    """Whether a route is some experts, in ascending order."""
    ascending = all(low < high for low, high in itertools.pairwise(route))
    return ascending and len(route) > 0 and route[0] >= 0 and route[-1] < experts


def require_logits(rule: dict[str, Any], logits: list[float]) -> None:
    """Step 1: a finite logit for each expert; a stage without a router has none."""
    if rule["type"] == "given" and rule.get("otherwise") is None:
        return
    if len(logits) != rule["experts"]:
        raise RefusedError("routing.logits-shape")
    if not all(map(math.isfinite, logits)):
        raise RefusedError("routing.not-finite")


def require_route(rule: dict[str, Any], route: list[int]) -> None:
    """A route of the rule: ascending experts, as many as it may have."""
    if rule["type"] == "given":
        if route in rule["routes"].values():
            return
        if rule.get("otherwise") is None:
            raise RefusedError("routing.unknown-route")
        require_route(rule["otherwise"], route)
        return
    least = longest(rule) if rule["type"] == "top_k" else 1
    inside = is_some(route, rule["experts"]) and set(route) <= set(usable(rule))
    if not (inside and least <= len(route) <= longest(rule)):
        raise RefusedError("routing.unknown-route")

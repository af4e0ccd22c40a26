"""Readers of *Routing* that are wrong in one thing each, as ports tend to be."""

import math
from typing import Any

import numpy as np
from page_routing import (
    PageReader,
    exp,
    fp32,
    longest,
    require_logits,
    require_route,
    require_rule,
    usable,
)


class TiesToTheHighest(PageReader):
    def _ranked(self, rule, logits):
        scores = self.shares(logits)
        return sorted(usable(rule), key=lambda expert: (-scores[expert], -expert)), scores


class LogitsDecide(PageReader):
    def _ranked(self, rule, logits):
        order = sorted(usable(rule), key=lambda expert: (-logits[expert], expert))
        return order, self.shares(logits)


class GatesNotRounded(PageReader):
    def shares(self, logits):
        weights = [exp(logit - max(logits)) for logit in logits]
        return [weight / sum(weights) for weight in weights]


class AllInFp32(PageReader):
    def shares(self, logits):
        wide = np.float32(logits)
        with np.errstate(all="ignore"):
            weights = np.exp(wide - wide.max())
            return (weights / weights.sum()).tolist()


class NotShifted(PageReader):
    def shares(self, logits):
        with np.errstate(all="ignore"):
            weights = np.exp(np.float64(logits))
            return np.float32(weights / np.cumsum(weights)[-1]).tolist()


class SummedBackwards(PageReader):
    def shares(self, logits):
        weights = [exp(logit - max(logits)) for logit in logits]
        total = 0.0
        for weight in weights[::-1]:
            total += weight
        return [fp32(weight / total) for weight in weights]


class SummedPairwise(PageReader):
    def shares(self, logits):
        weights = np.float64([exp(logit - max(logits)) for logit in logits])
        return np.float32(weights / weights.sum()).tolist()


class SummedWithoutError(PageReader):
    def shares(self, logits):
        weights = [exp(logit - max(logits)) for logit in logits]
        return [fp32(weight / math.fsum(weights)) for weight in weights]


class NeverRenormalized(PageReader):
    def _gates(self, rule, route, logits):
        return super()._gates({**rule, "renormalize": False}, route, logits)


class AlwaysRenormalized(PageReader):
    def _gates(self, rule, route, logits):
        return super()._gates({**rule, "renormalize": True}, route, logits)


class ScoresInsteadOfOnes(PageReader):
    def _gates(self, rule, route, logits):
        return super()._gates({**rule, "unit_gates": False}, route, logits)


class ScoresDividedByTheirSum(PageReader):
    """Loses an imposed route whose scores underflow, and rounds twice."""

    def _gates(self, rule, route, logits):
        gates = super()._gates({**rule, "renormalize": False}, route, logits)
        if rule["type"] == "threshold" or not rule.get("renormalize", False):
            return gates
        total = sum(gates)
        return [fp32(gate / total) if total else math.nan for gate in gates]


class RouteByScore(PageReader):
    def select(self, rule: dict[str, Any], logits: list[float]):
        require_rule(rule)
        if rule["type"] == "given":
            return super().select(rule, logits)
        require_logits(rule, logits)
        route = getattr(self, f"_{rule['type']}")(rule, logits)
        return route, self._gates(rule, route, logits)


class NotFiniteIsLowest(PageReader):
    def select(self, rule, logits):
        mended = [logit if math.isfinite(logit) else -3e38 for logit in logits]
        return super().select(rule, mended)


class OnlyNaNIsRefused(PageReader):
    def select(self, rule, logits):
        mended = [max(-3e38, min(3e38, logit)) for logit in logits]
        return super().select(rule, mended)


class OneExpertMoreOfTopP(PageReader):
    def _top_p(self, rule, logits):
        order, scores = self._ranked(rule, logits)
        total, route = 0.0, []
        for expert in order[: rule["k_max"]]:
            if total > rule["p"]:
                break
            route.append(expert)
            total += scores[expert] if len(route) > 1 else 0.0
        return route


class ReachedIsExceeded(PageReader):
    def _top_p(self, rule, logits):
        order, scores = self._ranked(rule, logits)
        total, route = 0.0, []
        for expert in order[: rule["k_max"]]:
            route.append(expert)
            total += scores[expert]
            if total >= rule["p"]:
                break
        return route


class SelectsWhatIsNotKept(PageReader):
    def _ranked(self, rule, logits):
        return super()._ranked({**rule, "kept": None}, logits)

    def _threshold(self, rule, logits):
        return super()._threshold({**rule, "kept": None}, logits)


class ScoresOfKeptAlone(PageReader):
    """What is not kept has no part in the sum of scores."""

    def select(self, rule, logits):
        require_rule(rule)
        if rule.get("kept") is None or len(logits) != rule["experts"]:
            return super().select(rule, logits)
        lowered = [one if expert in rule["kept"] else -3e38 for expert, one in enumerate(logits)]
        require_logits(rule, logits)
        return super().select(rule, lowered)


class SelectsThenDrops(PageReader):
    """Of the best k experts those that are kept."""

    def _top_k(self, rule, logits):
        order, _ = self._ranked({**rule, "kept": None}, logits)
        return [expert for expert in order[: rule.get("k", 1)] if expert in usable(rule)]


class SumsWhatIsNotKept(PageReader):
    """An expert that is passed over counts for the sum that is to exceed p."""

    def _top_p(self, rule, logits):
        order, scores = self._ranked({**rule, "kept": None}, logits)
        total, route = 0.0, []
        for expert in order:
            if expert in usable(rule):
                route.append(expert)
            total += scores[expert]
            if route and (total > rule["p"] or len(route) == rule["k_max"]):
                break
        return route


class TheBestIfNoneOfTheKeptIsAbove(PageReader):
    def _threshold(self, rule, logits):
        found = super()._threshold(rule, logits)
        is_above = logits[found[0]] > fp32(rule["thresholds"][found[0]])
        return found if is_above else [logits.index(max(logits))]


class NoMoreThanPOfAllNeeds(PageReader):
    """The limit of a rule that keeps all experts, which another sum may pass."""

    def _top_p(self, rule, logits):
        most = longest({**rule, "kept": None})
        return super()._top_p({**rule, "k_max": most}, logits)


class WhatIsNotKeptIsImposed(PageReader):
    def gates(self, rule, route, logits):
        require_rule(rule)
        return super().gates({**rule, "kept": None}, route, logits)


class NamedRoutesAreKeptOnes(PageReader):
    """What the router cannot select nobody can choose."""

    def choose(self, rule, choices, logits):
        route, gates = super().choose(rule, choices, logits)
        kept = usable(rule.get("otherwise") or rule)
        return [expert for expert in route if expert in kept], gates


class AllAreKept(PageReader):
    """Takes a list of all experts for null, in any order."""

    def select(self, rule, logits):
        whole = sorted(rule.get("kept") or []) == [*range(rule["experts"])]
        return super().select({**rule, "kept": None} if whole else rule, logits)


class NoLimit(PageReader):
    def _top_p(self, rule, logits):
        return super()._top_p({**rule, "k_max": rule["experts"]}, logits)


class SumInFp32(PageReader):
    def _top_p(self, rule, logits):
        order, scores = self._ranked(rule, logits)
        total, route = np.float32(0), []
        for expert in order[: rule["k_max"]]:
            route.append(expert)
            total = np.float32(total + np.float32(scores[expert]))
            if total > np.float32(rule["p"]):
                break
        return route


class ThresholdReached(PageReader):
    def _threshold(self, rule, logits):
        thresholds = [fp32(threshold) for threshold in rule["thresholds"]]
        above = [expert for expert in usable(rule) if logits[expert] >= thresholds[expert]]
        return above or self._highest(rule, logits)


class ThresholdsInDouble(PageReader):
    def _threshold(self, rule, logits):
        above = [expert for expert in usable(rule) if logits[expert] > rule["thresholds"][expert]]
        return above or self._highest(rule, logits)


class NearestToItsThreshold(PageReader):
    def _threshold(self, rule, logits):
        lead = [
            logit - fp32(threshold)
            for logit, threshold in zip(logits, rule["thresholds"], strict=True)
        ]
        above = [expert for expert in usable(rule) if lead[expert] > 0]
        return above or self._highest(rule, lead)


class ThresholdsOnProbabilities(PageReader):
    """The logistic function in fp32 makes large logits equal."""

    def _threshold(self, rule, logits):
        def logistic(x):
            return np.float32(1) / (np.float32(1) + np.exp(-np.float32(x)))

        with np.errstate(over="ignore"):
            levels = [logistic(threshold) for threshold in rule["thresholds"]]
            above = [e for e in usable(rule) if logistic(logits[e]) > levels[e]]
        return above or self._highest(rule, logits)


class GatesOfThresholdAreScores(PageReader):
    def _gates(self, rule, route, logits):
        if rule["type"] == "threshold":
            scores = self.shares(logits)
            return [scores[expert] for expert in route]
        return super()._gates(rule, route, logits)


class AnyRouteIsImposed(PageReader):
    def gates(self, rule, route, logits):
        require_rule(rule)
        require_logits(rule, logits)
        inside = [expert % rule["experts"] for expert in route] or [0]
        return self._gates(rule, inside, logits)


class ShorterRoutesOfTopK(PageReader):
    def gates(self, rule, route, logits):
        require_logits(rule, logits)
        require_route({**rule, "type": "top_p", "p": 0.999, "k_max": longest(rule)}, route)
        return self._gates(rule, route, logits)


class AnyRule(PageReader):
    def select(self, rule, logits):
        if rule["type"] == "given":
            return super().select(rule, logits)
        require_logits(rule, logits)
        route = sorted(getattr(self, f"_{rule['type']}")(rule, logits))
        return route, self._gates(rule, route, logits)


class ChoicesAreIgnored(PageReader):
    def choose(self, rule, choices, logits):
        return super().choose(rule, choices if rule.get("otherwise") is None else {}, logits)


class ChosenRoutesHaveGatesOfOne(PageReader):
    def choose(self, rule, choices, logits):
        route, gates = super().choose(rule, choices, logits)
        return route, [1.0] * len(gates) if choices else gates


class WhatIsNotChosenIsTheFirst(PageReader):
    def choose(self, rule, choices, logits):
        first = {self._choice(rule): min(rule.get("routes", [""]))}
        return super().choose(rule, choices or first, logits)


class UnknownNamesAreLeftToTheRouter(PageReader):
    def choose(self, rule, choices, logits):
        known = {name: value for name, value in choices.items() if value in rule["routes"]}
        return super().choose(rule, known, logits)


class AnyChoiceIsTheRules(PageReader):
    def choose(self, rule, choices, logits):
        mended = {self._choice(rule): value for value in choices.values()}
        return super().choose(rule, mended, logits)


class GoldenImagesGoByTheTable(PageReader):
    def in_turn(self, rule, image, logits):
        name = list(rule["routes"])[image % len(rule["routes"])]
        return self.choose(rule, {self._choice(rule): name}, logits)


class TheRouterHasNoTurn(PageReader):
    def in_turn(self, rule, image, logits):
        name = sorted(rule["routes"])[image % len(rule["routes"])]
        return self.choose(rule, {self._choice(rule): name}, logits)


class ChosenRoutesNeedNoLogits(PageReader):
    def choose(self, rule, choices, logits):
        mended = [logit if math.isfinite(logit) else 0.0 for logit in logits]
        return super().choose(rule, choices, mended if choices else logits)


WRONG = [
    found
    for found in list(globals().values())
    if isinstance(found, type) and issubclass(found, PageReader) and found is not PageReader
]

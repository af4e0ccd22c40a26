"""mvmoe_deploy as a reader of the conformance cases of routing."""

from typing import Any

import numpy as np
from routing_suite import RefusedError

from mvmoe_deploy.errors import MvmoeError
from mvmoe_deploy.routing import Rule, gates_of, require_route
from mvmoe_deploy.routing.choices import select_in_turn, selector_in_turn, selectors
from mvmoe_deploy.routing.contract import route_of
from mvmoe_deploy.routing.plain_data import rule_from


class ReferenceReader:
    """One image at a time, as between two graphs."""

    def select(self, rule: dict[str, Any], logits: list[float]) -> tuple[list[int], list[float]]:
        """See `Reader`."""
        try:
            route, gates = _rule(rule).select_one(np.float32(logits))
        except MvmoeError as error:
            raise RefusedError(error.code) from error
        return list(route), list(gates)

    def choose(
        self, rule: dict[str, Any], choices: dict[str, str], logits: list[float]
    ) -> tuple[list[int], list[float]]:
        """See `Reader`."""
        try:
            (selector,) = selectors([_rule(rule)], choices)
            route, gates = selector.select_one(np.float32(logits))
        except MvmoeError as error:
            raise RefusedError(error.code) from error
        return list(route), list(gates)

    def in_turn(
        self, rule: dict[str, Any], image: int, logits: list[float]
    ) -> tuple[list[int], list[float]]:
        """See `Reader`."""
        route, gates = selector_in_turn(_rule(rule), image).select_one(np.float32(logits))
        return list(route), list(gates)

    def gates(self, rule: dict[str, Any], route: list[int], logits: list[float]) -> list[float]:
        """See `Reader`."""
        try:
            found = _rule(rule)
            require_route(tuple(route), found, "the case")
            return list(gates_of(tuple(route), np.float32(logits), found))
        except MvmoeError as error:
            raise RefusedError(error.code) from error


class BatchReader(ReferenceReader):
    """An image in the midst of others."""

    def select(self, rule: dict[str, Any], logits: list[float]) -> tuple[list[int], list[float]]:
        """See `Reader`."""
        return self.choose(rule, {}, logits)

    def choose(
        self, rule: dict[str, Any], choices: dict[str, str], logits: list[float]
    ) -> tuple[list[int], list[float]]:
        """See `Reader`."""
        row = np.float32(logits)
        others = np.zeros_like(row)
        try:
            (selector,) = selectors([_rule(rule)], choices)
            members, gates = selector.select(np.stack([others, row, others]))
        except MvmoeError as error:
            raise RefusedError(error.code) from error
        return list(route_of(members[1])), gates[1][members[1]].tolist()

    def in_turn(
        self, rule: dict[str, Any], image: int, logits: list[float]
    ) -> tuple[list[int], list[float]]:
        """See `Reader`; the images before it have the same logits."""
        members, gates = select_in_turn(_rule(rule), np.float32([logits] * (image + 1)))
        return list(route_of(members[image])), gates[image][members[image]].tolist()


def _rule(rule: dict[str, Any]) -> Rule:
    return rule_from(rule, plugins=False)

"""What callers choose: for one call of the dispatcher, and in turn for images of a verification."""

from collections.abc import Iterator, Mapping, Sequence

import numpy as np

from mvmoe_deploy.errors import InputError
from mvmoe_deploy.routing.contract import CallersRule, Route, Rule, Selector
from mvmoe_deploy.text import quoted

Choices = Mapping[str, str | None]
"""What a caller has chosen, by what it is chosen for: `{"task": "depth"}`; None is nothing."""


def no_logits(images: int) -> np.ndarray:
    """What stands for the logits of a stage without a router, `[images, 0]`."""
    return np.zeros((images, 0), np.float32)


def router_of(rule: Rule) -> Rule | None:
    """The rule by which a router decides; None where the caller has to."""
    return rule.otherwise if isinstance(rule, CallersRule) else rule


def choices_of(rules: Sequence[Rule]) -> dict[str, list[str]]:
    """What a caller may choose in a model with these rules, and the sorted names for each."""
    return {rule.choice: sorted(rule.named) for rule in rules if isinstance(rule, CallersRule)}


def required_choices(rules: Sequence[Rule]) -> dict[str, list[str]]:
    """As `choices_of`, of those that a caller has to make: no router decides."""
    return choices_of([rule for rule in rules if router_of(rule) is None])


def check_choices(rules: Sequence[Rule], where: str) -> None:
    """Refuse rules whose choices contradict each other; raises InputError.

    One choice is made for all stages that name it. So they have the same names, and a router in
    all of them or in none: beside one that needs a name, another's router would never decide.
    """
    first: dict[str, CallersRule] = {}
    for rule in rules:
        if not isinstance(rule, CallersRule):
            continue
        other = first.setdefault(rule.choice, rule)
        routed = [router_of(one) is not None for one in (rule, other)]
        if rule.named.keys() != other.named.keys() or routed[0] != routed[1]:
            raise InputError(
                f"{where} has stages with the choice {rule.choice} that differ in their names, or "
                "in whether a router decides otherwise; give them the same names, or choices of "
                "their own",
                code="routing.rule-invalid",
                name=rule.choice,
            )


def default_selectors(rules: Sequence[Rule]) -> list[Rule] | None:
    """For each stage the rule of its router; None if there is a stage without one."""
    found = [router_of(rule) for rule in rules]
    routers = [rule for rule in found if rule is not None]
    return routers if len(routers) == len(found) else None


def selectors(rules: Sequence[Rule], choices: Choices) -> list[Selector]:
    """For each stage what selects its routes in a call with these choices.

    Raises InputError for a choice that no stage has, a name that it does not have, and for one
    that is missing where no router decides.
    """
    known = choices_of(rules)
    if unknown := sorted(choices.keys() - known.keys()):
        raise InputError(
            f"the choice {quoted(unknown[0])} was given, which the model does not have; "
            + (f"expected {', '.join(known)}" if known else "leave it out: its routers choose"),
            code="routing.no-such-choice",
            given=unknown[0][:200],
            expected=list(known),
        )
    return [
        rule.chosen(choices.get(rule.choice)) if isinstance(rule, CallersRule) else rule
        for rule in rules
    ]


def chooser_of(rule: Rule, route: Route) -> Selector | None:
    """What gives every image a route that a caller can choose; None for one without a name."""
    if not isinstance(rule, CallersRule):
        return None
    names = sorted(name for name, named in rule.named.items() if named == route)
    return rule.chosen(names[0]) if names else None


def turns_of(rule: Rule) -> list[str | None]:
    """The names that images of a verification take in turn, in ascending order.

    None at the end leaves the route to the router, if there is one. So image number j takes the
    one at j modulo their number.
    """
    if not isinstance(rule, CallersRule):
        return [None]
    return [*sorted(rule.named), *([] if rule.otherwise is None else [None])]


def selector_in_turn(rule: Rule, image: int) -> Selector:
    """What selects the route of image number `image` of a verification."""
    turns = turns_of(rule)
    return rule.chosen(turns[image % len(turns)]) if isinstance(rule, CallersRule) else rule


def select_in_turn(rule: Rule, logits: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The routes and gates `[n, E]` of all images of a verification, from logits `[n, E]`.

    Of a stage without a router logits are `[n, 0]`. Raises RoutingError as `Rule.select` does.
    """
    if not isinstance(rule, CallersRule):
        return rule.select(logits)
    members = np.zeros((len(logits), rule.experts), bool)
    gates = np.zeros(members.shape, np.float32)
    for name, rows in _rows_in_turn(rule):
        members[rows], gates[rows] = rule.chosen(name).select(logits[rows])
    return members, gates


def margins_in_turn(rule: Rule, logits: np.ndarray) -> np.ndarray:
    """By how much each image of a verification keeps its route, `[n]`: a chosen one for ever."""
    margins = np.full(len(logits), np.inf)
    for name, rows in _rows_in_turn(rule):
        if name is None:
            margins[rows] = rule.margins(logits[rows])
    return margins


def are_named(rules: Sequence[Rule], count: int) -> np.ndarray:
    """Whether each of `count` images of a verification takes a named route at any stage, `[n]`."""
    named = np.zeros(count, bool)
    for rule in rules:
        for name, rows in _rows_in_turn(rule):
            named[rows] |= name is not None
    return named


def _rows_in_turn(rule: Rule) -> Iterator[tuple[str | None, slice]]:
    """Each name of `turns_of` with the images that take it."""
    turns = turns_of(rule)
    for number, name in enumerate(turns):
        yield name, slice(number, None, len(turns))

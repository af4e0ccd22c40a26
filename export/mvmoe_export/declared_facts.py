"""What a model declares of itself, before anything is made of it: each value has its type.

A routed model of a user's own states its input and its rules as plain attributes. A list in place
of a tuple, or a text in place of a number, would go on unseen until the whole bundle is compared
with the model.
"""

from typing import Any

import msgspec

from mvmoe_deploy.errors import InputError
from mvmoe_deploy.models.contract import RoutedModel
from mvmoe_deploy.preprocessing import Origin, Preprocessing, TrainedField
from mvmoe_deploy.routing import Rule
from mvmoe_deploy.text import quoted


def require_declared(model: RoutedModel) -> None:
    """Refuse a model whose `input`, `routing` or `input_origins` have another type.

    Raises InputError that names the attribute.
    """
    if not isinstance(model.input, Preprocessing):
        _refuse(model, "input", "a Preprocessing")
    _require_fields(model)
    rules: Any = model.routing
    if not isinstance(rules, tuple):
        _refuse(model, "routing", "a tuple of rules, one for each routed stage: (TopK(...),)")
    for rule in rules:
        if not isinstance(rule, Rule):
            _refuse(model, "routing", "a tuple of rules such as TopK(experts=4, k=1)")
    origins = getattr(model, "input_origins", None)  # None: nobody says it.
    try:
        msgspec.convert(origins, dict[TrainedField, Origin] | None)
    except msgspec.ValidationError as error:
        _refuse(model, "input_origins", f"where fields of the input come from, by name ({error})")


def _require_fields(model: RoutedModel) -> None:
    """Refuse an input whose numbers are texts, and the like."""
    try:
        msgspec.convert(msgspec.to_builtins(model.input), Preprocessing)
    except (msgspec.ValidationError, TypeError) as error:
        _refuse(model, "input", f"values that its fields allow ({error})")


def _refuse(model: RoutedModel, name: str, expected: str) -> None:
    given = quoted(getattr(model, name, None), 200)
    raise InputError(
        f"{type(model).__name__}.{name} is {given}; expected {expected}",
        code="model.contract",
        name=name,
    )

"""Rules as plain data, as they stand in a manifest: `{"type": "top_k", "experts": 4, "k": 1}`.

`type` is the name that a rule is found by; the other fields are the rule's own.
"""

from collections.abc import Callable
from typing import Any, cast, get_args

import msgspec

from mvmoe_deploy import part_lookup
from mvmoe_deploy.errors import Fault, InputError
from mvmoe_deploy.routing.contract import Rule
from mvmoe_deploy.text import quoted

_REFERENCE = "#/$defs/{name}"


class _Tagged(msgspec.Struct):
    """What every rule has: the name that it is found by."""

    type: str


def find_rule(name: str, *, plugins: bool = True) -> type[Rule]:
    """The rule of that name; raises InputError as `parts.find` does."""
    found: type[Rule] = part_lookup.find("rules", name, plugins=plugins)
    return found


def rule_from(content: object, *, plugins: bool = True) -> Rule:
    """The rule that plain data describes; raises InputError."""
    try:
        name = msgspec.convert(content, _Tagged).type
    except msgspec.ValidationError as error:
        raise InputError(
            f"a rule was given as {quoted(content)}; expected an object with a type",
            code="routing.rule-invalid",
        ) from error
    part = find_rule(name, plugins=plugins)
    try:
        return msgspec.convert(content, part, dec_hook=rule_decoder(plugins))
    except msgspec.ValidationError as error:
        cause = error.__cause__  # That of a rule within this one, which is unknown for example.
        fault = Fault("routing.rule-invalid")
        fault = Fault.of(cause) if isinstance(cause, InputError) else fault
        raise InputError(
            f"{error} (of the rule {part.name})", code=fault.code, **fault.fields
        ) from error


def rule_decoder(plugins: bool) -> Callable[[type, Any], Rule]:
    """The `dec_hook` by which msgspec decodes a field of the type `Rule`."""

    def decode(kind: type, content: Any) -> Rule:
        if kind is not Rule:
            raise NotImplementedError(f"fields of type {kind} cannot be decoded")
        return rule_from(content, plugins=plugins)

    return decode


def rule_schemas() -> tuple[dict[str, Any], dict[str, Any]]:
    """The JSON Schema of a field of the type `Rule`, and the definitions that it refers to.

    It has the built-in rules. A rule within a rule holds none itself.
    """
    rules = [find_rule(name, plugins=False) for name in part_lookup.built_in_names("rules")]
    schemas, _ = msgspec.json.schema_components(
        [rule for rule in rules if not _holds_a_rule(rule)], ref_template=_REFERENCE
    )
    inner = {"anyOf": list(schemas)}
    schemas, definitions = msgspec.json.schema_components(
        rules, schema_hook=lambda _: inner, ref_template=_REFERENCE
    )
    return {"anyOf": list(schemas)}, definitions


def _holds_a_rule(part: type[Rule]) -> bool:
    """Whether a rule has another one as a field."""
    fields = msgspec.structs.fields(cast(type[msgspec.Struct], part))
    return any(Rule in get_args(field.type) for field in fields)

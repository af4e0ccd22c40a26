"""Which error code a manifest has that cannot be read; a fault has one code in every language.

The decoder says in a sentence what it refuses. The forms of its sentences are read here, and
nowhere else; a sentence of another form has the general code `bundle.manifest-invalid`.
"""

import re
from collections.abc import Callable, Mapping

import msgspec

from mvmoe_deploy.errors import BundleError, Fault, MvmoeError
from mvmoe_deploy.strict_json import StrictJsonError
from mvmoe_deploy.text import name, one_line

_LONGEST = 200
"""Characters of a text that a field holds: the manifest may be hostile."""

_PLACE, _KEY = " - at `", "key` in `"
"""What stands before the path at the end of a sentence, and then of a key that is refused."""

_RULE = re.compile(r" \(of the rule [a-z0-9_-]+\)")


def inconsistent(sentence: str, fault: Fault | None = None) -> BundleError:
    """The error for fields of a manifest that contradict each other, or for one of its own code."""
    fault = fault or Fault("bundle.manifest-inconsistent")
    return BundleError(f"the manifest is inconsistent: {sentence}", code=fault.code, **fault.fields)


def of_text(error: Exception) -> Fault:
    """The fault of a text that is no strict JSON."""
    if isinstance(error, StrictJsonError):
        match error.kind:
            case "byte-order-mark":
                return Fault("bundle.manifest-byte-order-mark")
            case "duplicate-key":
                return Fault("bundle.manifest-duplicate-key", name=name(error.key))
            case "too-deep":
                return Fault("bundle.manifest-too-deep")
            case "number":
                return Fault("bundle.manifest-out-of-range")
    return Fault("bundle.manifest-not-json")


def of_field(error: msgspec.ValidationError) -> Fault:
    """The fault of a field that the schema refuses; `path` leads to it: `$.stages[1].rule.k`."""
    said, path = _said_and_path(error)
    cause = error.__cause__
    if isinstance(cause, MvmoeError):
        if isinstance(cause.__cause__, msgspec.ValidationError):
            return _within(of_field(cause.__cause__), path)
        return of_part(cause)
    for form, fault in _FORMS:
        if found := form.fullmatch(said):
            return fault(path, found)
    return Fault("bundle.manifest-invalid")


def of_part(error: MvmoeError) -> Fault:
    """The fault of a part that the manifest names, or of its values; others keep their code."""
    if error.code != "part.unknown":
        return Fault.of(error)
    known = {"name": error.fields["name"], "installed": error.fields["installed"]}
    unknown: Mapping[object, Fault] = {
        "rules": Fault("bundle.unknown-rule", **known),
        "strategies": Fault("bundle.unknown-strategy", **known),
        "runners": Fault("bundle.unknown-format", **known),
        "outputs": Fault("bundle.unknown-kind", **known),
    }
    return unknown.get(error.fields["kind"], Fault.of(error))


def _said_and_path(error: msgspec.ValidationError) -> tuple[str, str]:
    """What the decoder says, and the path where; `$` is the manifest itself."""
    text = str(error)
    said, found, path = text.rpartition(_PLACE)
    if found and path.endswith("`"):
        return _RULE.sub("", said), one_line(path[:-1].removeprefix(_KEY), _LONGEST)
    return _RULE.sub("", text), "$"


def _within(fault: Fault, path: str) -> Fault:
    """A fault of a rule, whose own path begins at the rule."""
    if "path" not in fault.fields:
        return fault
    inner = str(fault.fields["path"]).removeprefix("$")
    return Fault(fault.code, **{**fault.fields, "path": path + inner})


def _unknown_field(path: str, found: re.Match[str]) -> Fault:
    return Fault("bundle.manifest-unknown-field", path=path, name=name(found["name"]))


def _missing_field(path: str, found: re.Match[str]) -> Fault:
    return Fault("bundle.manifest-missing-field", path=path, name=name(found["name"]))


def _wrong_type(path: str, found: re.Match[str]) -> Fault:
    return Fault(
        "bundle.manifest-wrong-type", path=path, expected=found["expected"], found=found["found"]
    )


def _out_of_range(path: str, found: re.Match[str]) -> Fault:
    return Fault(
        "bundle.manifest-out-of-range", path=path, expected=found["expected"].replace("`", "")
    )


def _no_such_value(path: str, found: re.Match[str]) -> Fault:
    return Fault("bundle.manifest-out-of-range", path=path)


_FORMS: tuple[tuple[re.Pattern[str], Callable[[str, re.Match[str]], Fault]], ...] = (
    (re.compile(r"Object contains unknown field `(?P<name>.*)`", re.DOTALL), _unknown_field),
    (re.compile(r"Object missing required field `(?P<name>.*)`"), _missing_field),
    (re.compile(r"Expected `(?P<expected>[^`]*)`, got `(?P<found>[^`]*)`"), _wrong_type),
    (
        re.compile(r"Expected (?P<expected>`\w+` (?:<|>|of length|matching|that's).*)"),
        _out_of_range,
    ),
    (re.compile(r"Expected (?P<expected>`array` of (?:at|length).*)"), _out_of_range),
    (re.compile(r"(?:Invalid enum value|Invalid value) (?P<found>.*)", re.DOTALL), _no_such_value),
    (re.compile(r"(?:Number|Integer value) out of range(?P<found>.*)"), _no_such_value),
)
"""The forms of the decoder's sentences, each with the fault that it says."""

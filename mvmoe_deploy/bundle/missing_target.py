"""What is said of a target that a bundle does not have: which name was meant, or how to export it.

A target is called as its format, or, beside others of that format, `FORMAT-VALUE`: made by another
strategy, in another precision, or with another value of an option of the format.
"""

from mvmoe_deploy import part_lookup
from mvmoe_deploy.bundle.manifest import Manifest
from mvmoe_deploy.text import nearest, quoted

_COMMON = "precision"
"""The option of a format that has a flag for all formats."""


def missing_target(manifest: Manifest, name: str) -> str:
    """The end of the sentence that refuses a target's name."""
    known = sorted(manifest.targets)
    has = f"it has {', '.join(known)}"
    if flags := _flags(manifest, name):
        return f"{has}; export the model with {flags} to have it"
    near = nearest(name, known, most=1)
    return f"{has}{f' (the nearest is {near[0]})' if near else ''}; give one of these"


def _flags(manifest: Manifest, name: str) -> str | None:
    """The flags of `mvmoe export` that make a target of that name; None if none is known to."""
    if name in part_lookup.names("targets"):
        return f"--target {name}"
    for format_, options in {
        target.format: target.options for target in manifest.targets.values()
    }.items():
        value = name.removeprefix(f"{format_}-")
        if value == name or not value:
            continue
        if value in part_lookup.names("strategies"):
            return f"--strategy {value}"
        if value in part_lookup.names("recipes"):
            return f"--precision {value}"
        words = [key for key, found in options.items() if isinstance(found, str)]
        flags = [f"--{format_}-{key.replace('_', '-')}" for key in words if key != _COMMON]
        if flags:
            return " or ".join(f"{flag} {quoted(value)[1:-1]}" for flag in flags)
    return None

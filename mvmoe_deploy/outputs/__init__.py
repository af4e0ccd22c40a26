"""Kinds of outputs: what the numbers of an output mean. One module for each, found by its name.

`contract.py` says what a kind knows; `docs/outputs.md` has the definitions for other languages.
"""

from mvmoe_deploy import part_lookup
from mvmoe_deploy.outputs.contract import Decisions, OutputKind, Table

__all__ = ["DEFAULT_KIND", "Decisions", "OutputKind", "Table", "find_kind"]

DEFAULT_KIND = "logits"
"""The kind of the outputs of a model that does not say, and of labels that are classes."""


def find_kind(name: str, *, plugins: bool = True) -> OutputKind:
    """The kind of output of that name; raises InputError as `parts.find` does."""
    found: OutputKind = part_lookup.find("outputs", name, plugins=plugins)
    return found

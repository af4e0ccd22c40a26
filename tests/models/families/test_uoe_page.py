"""`docs/families/uoe.md`: what it says of the configuration is so."""

import dataclasses
import json
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from mvmoe_deploy.models.families.uoe import PART, UoEConfig
from mvmoe_deploy.models.families.vit import ViTConfig

PAGE = (Path(__file__).parents[3] / "docs" / "families" / "uoe.md").read_text()


def section(title: str) -> str:
    """The text of one section."""
    return PAGE.split(f"\n## {title}\n")[1].split("\n## ")[0]


def default(text: str) -> Any:
    """As the table writes it: a word, or a value as in JSON."""
    word = re.fullmatch("`(.*)`", text)
    return word[1] if word else json.loads(text)


def rows(title: str) -> Iterator[Sequence[str]]:
    """The cells of the rows of a section's table."""
    for line in re.findall(r"^\| (.*) \|$", section(title), re.MULTILINE)[1:]:
        yield line.split(" | ")


def test_the_table_has_every_field_and_its_default():
    dense = {field.name for field in dataclasses.fields(ViTConfig)}
    own = [field for field in dataclasses.fields(UoEConfig) if field.name not in dense]
    told = {}
    for names, values, _ in rows("Configuration"):
        told |= zip(re.findall(r"`(\w+)`", names), map(default, values.split(", ")), strict=True)
    assert told == {field.name: field.default for field in own}


def test_the_forms_have_the_graphs_that_it_says():
    presets = [re.findall(r"`(\w+)_\.\.\.`", row[1])[0] for row in rows("The forms")]
    configs = [PART.presets()[f"{name}_12x192_p32_224"] for name in presets]
    assert [[rule.count() for rule in config.routing] for config in configs] == [
        [6],
        [6, 6] * 12,
        [],
    ]
    assert [row[3] for row in rows("The forms")] == [
        "1 + 6",
        "1 + 12 for each block",
        "one, no routes",
    ]

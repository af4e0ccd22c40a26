"""`docs/families/vmoe.md` and `soft_moe.md`: what they say of configurations and presets is so."""

import dataclasses
import json
import re
from pathlib import Path

import pytest
import torch

from mvmoe_deploy.models import build, count
from mvmoe_deploy.models.families import find_family
from mvmoe_deploy.models.families.vit import ViTConfig

PAGES = Path(__file__).parents[3] / "docs" / "families"


@pytest.fixture(params=["vmoe", "soft_moe"])
def family(request):
    return find_family(request.param)


def rows(family, title):
    """The cells of the rows of a section's table."""
    section = (
        (PAGES / f"{family.name}.md").read_text().split(f"\n## {title}\n")[1].split("\n## ")[0]
    )
    return [line.split(" | ") for line in re.findall(r"^\| (.*) \|$", section, re.MULTILINE)[1:]]


def test_the_table_has_every_field_and_its_default(family):
    dense = {field.name for field in dataclasses.fields(ViTConfig)}
    told = {
        name.strip("`"): value.strip("`") if "`" in value else json.loads(value)
        for name, value, _ in rows(family, "Configuration")
    }
    fields = dataclasses.fields(family.config)
    assert told == {field.name: field.default for field in fields if field.name not in dense}


def test_presets_have_the_sizes_that_it_says(family):
    presets, table = family.presets(), rows(family, "Presets")
    assert [name.strip("`") for name, *_ in table] == [*presets]
    for config, (_, layers, places, *millions) in zip(presets.values(), table, strict=True):
        numbers = [*map(int, re.findall(r"\d+", layers))]
        assert numbers == [len(config.moe_places), config.depth, config.experts]
        with torch.device("meta"):
            own, dense = count(build(config)), count(build(config.dense()))
        for text, found in zip(millions, (own.params_total, own.macs, dense.macs), strict=True):
            said = text.removesuffix(" M")
            assert f"{found / 1e6:.{len(said.partition('.')[2])}f}" == said
        each = config.expert_tokens if family.name == "vmoe" else config.expert_slots
        assert str(each) in re.findall(r"\d+", places) and str(config.tokens) in places

"""What `docs/bundle.md` shows is true: its examples are run."""

import json
import re
from pathlib import Path

import msgspec
import numpy as np
import pytest

from mvmoe_deploy import part_lookup
from mvmoe_deploy.bundle import manifest as fields
from mvmoe_deploy.bundle.read import parse_manifest
from mvmoe_deploy.errors import MvmoeError
from mvmoe_deploy.preprocessing import Preprocessing
from mvmoe_deploy.routing import RouteShare
from mvmoe_deploy.routing.given import Given
from mvmoe_deploy.routing.plain_data import rule_from
from mvmoe_deploy.routing.threshold import Threshold
from mvmoe_deploy.routing.top_k import TopK
from mvmoe_deploy.routing.top_p import TopP

TEXT = (Path(__file__).parents[2] / "docs" / "bundle.md").read_text()


def test_the_example_manifest_is_valid_but_for_its_shortened_hashes():
    (example,) = re.findall(r"```json\n(.*?)```", TEXT, flags=re.DOTALL)
    whole = re.sub(r'"([0-9a-f]{2})\.\.\."', lambda match: f'"{match[1]}{"0" * 62}"', example)
    manifest = parse_manifest(whole.encode(), "the documentation")
    assert manifest.rules == (TopK(experts=2),)


def routing_examples():
    table = TEXT.partition("Examples, with E = 4:")[2].partition("\n## ")[0]
    rows = [row.strip("| ").split("|") for row in table.splitlines() if row.startswith("| ")]
    return [[cell.strip() for cell in row] for row in rows[1:]]


def numbers(cell):
    return [float(number) for number in cell.split(",")]


@pytest.mark.parametrize("row", routing_examples(), ids=lambda row: f"{row[0]} {row[1]}")
def test_every_routing_example_comes_out(row):
    said, content, route, *gates = row
    said, _, chosen = said.partition(", and ")
    logits = [] if said == "none" else numbers(said)
    selector = rule_from({"experts": 4, **json.loads(content.strip("`"))})
    if chosen:
        selector = selector.chosen(chosen.removesuffix(" chosen").strip("`"))
    if route == "an error":
        with pytest.raises(MvmoeError) as caught:
            selector.select(np.array([logits]))
        assert caught.value.code.startswith("routing.")
        return
    taken, given = selector.select_one(np.float32(logits))
    assert list(taken) == numbers(route)
    np.testing.assert_allclose(given, numbers(gates[0]), atol=5e-6)  # as many digits are shown


def test_every_rule_has_routing_examples():
    rules = {json.loads(row[1].strip("`"))["type"] for row in routing_examples()}
    assert rules == set(part_lookup.built_in_names("rules"))


STRUCTS = [
    fields.Manifest, fields.Model, fields.Source, fields.Stage, fields.Target, fields.Graph,
    fields.Placement, fields.Sizes, fields.Pixels,
    fields.File, fields.TensorSpec, fields.Parity, fields.Verification, fields.Golden,
    Preprocessing, TopK, TopP, Threshold, Given, RouteShare,
]  # fmt: skip


@pytest.mark.parametrize("struct", STRUCTS, ids=lambda struct: struct.__name__)
def test_every_field_is_documented(struct):
    for field in msgspec.structs.fields(struct):
        assert f"`{field.encode_name}`" in TEXT, field.name

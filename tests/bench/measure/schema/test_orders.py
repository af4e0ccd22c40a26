"""The published schema of orders is the code's, and the order in the documentation is one."""

import json
import re
from pathlib import Path

import jsonschema
import msgspec

from mvmoe_bench.measure.schema.orders import MeasurementOrder, json_schema

DOCS = Path(__file__).parents[4] / "docs"


def test_the_published_schema_is_the_codes():
    published = json.loads((DOCS / "orders.schema.json").read_text())
    assert published == json.loads(json.dumps(json_schema()))


def test_the_order_of_the_documentation_is_one():
    text = (DOCS / "android.md").read_text()
    (block,) = re.findall(r"```json\n(\{.*?)```", text, re.DOTALL)
    jsonschema.Draft202012Validator(json_schema()).validate(json.loads(block))
    order = msgspec.json.decode(block, type=MeasurementOrder)
    assert (order.kind, order.subjects[0].engine_options) == ("latency", {"provider": "nnapi"})

"""The published schema is the code's."""

import json
from pathlib import Path

from mvmoe_bench.measure.schema.records import json_schema

PUBLISHED = Path(__file__).parents[4] / "docs" / "results.schema.json"


def test_the_published_schema_is_the_codes():
    assert json.loads(PUBLISHED.read_text()) == json.loads(json.dumps(json_schema()))

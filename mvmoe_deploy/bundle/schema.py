"""Prints the JSON Schema of `manifest.json`.

`python -m mvmoe_deploy.bundle.schema > docs/manifest.schema.json` writes the published file.
"""

import json

from mvmoe_deploy.bundle.manifest import json_schema


def schema_text() -> str:
    """The published schema file, to the byte."""
    return json.dumps(json_schema(), indent=2) + "\n"


if __name__ == "__main__":
    print(schema_text(), end="")

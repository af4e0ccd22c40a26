"""What `docs/json.md` and `docs/verify.md` say of the JSON of each command."""

import re
from pathlib import Path

_DOCS = Path(__file__).parents[2] / "docs"


def names_in(table):
    """The names in backticks of the first column of a table."""
    rows = [row.split("|")[1] for row in table.splitlines() if row.startswith("| `")]
    return {name for cell in rows for name in re.findall(r"`(\w+)`", cell)}


def verify_tables():
    """The documented fields of a verification, and of one of its targets."""
    text = (_DOCS / "verify.md").read_text().partition("`--json` prints one object:")[2]
    whole, _, target = text.partition("Of a target:")
    return names_in(whole), names_in(target)


def documented():
    """The documented fields of the object that each command prints."""
    found = {"verify": verify_tables()[0]}
    for section in (_DOCS / "json.md").read_text().split("\n## ")[1:]:
        title, _, text = section.partition("\n")
        if names := names_in(text):
            found |= dict.fromkeys(re.findall(r"`mvmoe (\w+)`", title), names)
    return found


def routing_tables():
    """The documented fields of an engine that `mvmoe routing` has asked, and of a stage of it."""
    text = (_DOCS / "routing.md").read_text().partition("\n## In JSON\n")[2]
    engine, _, stage = text.partition("Of a stage:")
    return names_in(engine), names_in(stage)

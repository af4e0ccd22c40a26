"""`metrics.jsonl`: one JSON object a line for every finished epoch of every phase."""

import json
from pathlib import Path
from typing import Any

from mvmoe_deploy.system import files, output_places

METRICS = "metrics.jsonl"

_BEGINS = b'{"phase": "'
"""Every record, and so the file."""


class MetricsLog:
    """Appends lines; `rewind` drops those that a resumed phase is about to write again."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def write(self, record: dict[str, Any]) -> None:
        """Append one record; raises OutputError if the file cannot be written."""
        after = "resume the run"
        with (
            output_places.output_errors(str(self.path), after),
            self.path.open("a", encoding="utf-8") as file,
        ):
            file.write(json.dumps(record) + "\n")

    def rewind(self, phase: str, epoch: int) -> None:
        """Keep what was written before epoch `epoch` of `phase` ended, and that epoch itself.

        A line that a kill cut off goes too.
        """
        if not self.path.exists():
            return
        records = [record for record in self.read() if _is_before(record, phase, epoch)]
        text = "".join(json.dumps(record) + "\n" for record in records)
        files.write_file(
            self.path,
            lambda partial: partial.write_text(text, encoding="utf-8"),
            foreign_to_metrics,
        )

    def read(self) -> list[dict[str, Any]]:
        """All whole records."""
        records = []
        for line in self.path.read_text(encoding="utf-8", errors="replace").splitlines():
            try:
                records.append(json.loads(line))
            except ValueError:
                continue
        return records


def foreign_to_metrics(path: Path) -> str | None:
    """Why a file is no log of metrics that may be rewritten; None if it is one."""
    # A kill may have cut the first record off anywhere.
    found = output_places.head(path, len(_BEGINS))
    ours = found is not None and _BEGINS.startswith(found)
    return None if ours else "is no log of a training run"


def _is_before(record: dict[str, Any], phase: str, epoch: int) -> bool:
    """Whether `record` is of another phase, or of this one and not after `epoch`."""
    return bool(record["phase"] != phase or record["epoch"] <= epoch)

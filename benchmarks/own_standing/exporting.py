"""How long an export takes, by target and phase, and how much memory it needs at most.

`python -m own_standing.exporting --help`; `docs/benchmarking.md` says how to read it.
"""

import json
import sys
import threading
import time
from typing import Any, NoReturn

import click
from rich.console import Console
from rich.table import Table

from mvmoe_deploy.cli.process import run_command
from mvmoe_deploy.system.temporary import temporary_directory

_PROGRAM = "python -m own_standing.exporting"
_TARGETS = ("executorch", "coreml", "onnx")
_PAUSE = 0.2
"""Seconds between two looks at the memory."""


@click.command(context_settings={"help_option_names": ["-h", "--help"], "show_default": True})
@click.option("--preset", default="mobile_vmoe_12x192_p32_224", help="Preset or JSON file.")
@click.option("--experts", type=click.IntRange(min=1), help="Instead of the preset's own number.")
@click.option("--target", "targets", multiple=True, default=_TARGETS)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def exporting(preset: str, experts: int | None, targets: tuple[str, ...], as_json: bool) -> None:
    """Export a preset with random weights to all targets at once, and say what took how long."""
    from mvmoe_deploy.models import build
    from own_standing.configurations import with_experts

    data = measure(build(with_experts(preset, experts)).eval(), targets)
    if as_json:
        sys.stdout.write(json.dumps(data) + "\n")
    else:
        show(Console(highlight=False), data)


def measure(model: Any, targets: tuple[str, ...]) -> dict[str, Any]:
    """Seconds of the whole export and of each phase of each target; peak memory in bytes.

    Targets work side by side: a phase runs from its first sign of life to its last, and phases of
    different targets overlap. Memory is that of this process and of the compilers it starts.
    """
    from mvmoe_export import export_bundle

    phases: dict[str, list[float]] = {}
    start = time.perf_counter()

    def note(phase: str, item: str | None, total: int) -> None:
        if item is not None:  # It is where a phase begins.
            phases.setdefault(phase, []).append(time.perf_counter() - start)

    with temporary_directory() as folder, _Memory() as memory:
        manifest = export_bundle(model, folder / "bundle", targets=targets, progress=note)
        seconds = time.perf_counter() - start
    return {
        "model": manifest.model.name,
        "params_total": manifest.model.params_total,
        "graphs": {name: len(target.graphs) for name, target in manifest.targets.items()},
        "seconds": seconds,
        "peak_bytes": memory.peak,
        "memory": memory.kind,
        "phases": [
            {"phase": phase, "first": times[0], "last": times[-1], "items": len(times)}
            for phase, times in sorted(phases.items(), key=lambda item: item[1][-1])
        ],
    }


def show(out: Console, data: dict[str, Any]) -> None:
    """The same for people."""
    rows = Table(header_style="bold", box=None, pad_edge=False)
    for position, column in enumerate(("phase", "items", "first done at", "last done at")):
        rows.add_column(column, justify="right" if position else "left")
    for phase in data["phases"]:
        times = (f"{phase[which]:.1f} s" for which in ("first", "last"))
        rows.add_row(phase["phase"], str(phase["items"]), *times)
    out.print(rows)
    out.print(
        f"\nall targets: {data['seconds']:.1f} s, at most {data['peak_bytes'] / 1e9:.2f} GB "
        f"({data['memory']} of all processes)"
    )


class _Memory:
    """Watches what this process and its children hold."""

    def __init__(self) -> None:
        self.peak = 0
        self.kind = "RSS"
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)

    def __enter__(self) -> "_Memory":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._done.set()
        self._thread.join()

    def _watch(self) -> None:
        """Look again and again."""
        import psutil

        here = psutil.Process()
        while not self._done.wait(_PAUSE):
            held = 0
            for process in (here, *here.children(recursive=True)):
                # A child may end between two lines.
                try:
                    info = process.memory_full_info()
                except psutil.Error:
                    continue
                self.kind = "PSS" if hasattr(info, "pss") else "RSS"
                held += info.pss if hasattr(info, "pss") else info.rss
            self.peak = max(self.peak, held)


def main(arguments: list[str] | None = None) -> NoReturn:
    """Run the command line; ends the process with an exit code of `docs/design.md`."""
    run_command(exporting, _PROGRAM, arguments)


if __name__ == "__main__":
    main()

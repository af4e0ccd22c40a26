"""`make bench`: measure our own standing, and write docs/performance.md.

`python -m own_standing.command --help`; docs/benchmarking.md says how it is measured.
"""

from pathlib import Path
from typing import NoReturn

import click

from mvmoe_deploy.cli.process import run_command
from mvmoe_deploy.cli.progress_bars import progress

_PROGRAM = "python -m own_standing.command"


@click.command(context_settings={"help_option_names": ["-h", "--help"], "show_default": True})
@click.option("--preset", default="mobile_vmoe_12x192_p32_224", help="Preset or JSON file.")
@click.option("--experts", "scaling", multiple=True, type=int, default=(4, 8, 16, 32, 64))
@click.option("--effort", type=click.Choice(["quick", "standard", "rigorous"]), default="standard")
@click.option(
    "--work", type=click.Path(path_type=Path), default=Path("bench"), help="Goes on here."
)
@click.option("-o", "--output", type=click.Path(path_type=Path), default="docs/performance.md")
def standing(preset: str, scaling: tuple[int, ...], effort: str, work: Path, output: Path) -> None:
    """Measure PRESET against its baselines, naive exports, and itself with more experts.

    Results stay in the directory --work, where a killed run is resumed; remove it to measure again.
    """
    from mvmoe_bench.measure.planning.bench_presets import PRESETS
    from mvmoe_deploy.system.output_places import refuse_overlap, refuse_place_of
    from own_standing.measuring import measure
    from own_standing.performance_page import require_free, write_page

    refuse_overlap([output], [Path(preset)] if preset.endswith(".json") else [])
    refuse_place_of(output, work)
    require_free(output)
    with progress() as advance:
        found = measure(preset, scaling, PRESETS[effort], work, advance)
    write_page(found, output)
    click.echo(f"wrote {output}")


def main(arguments: list[str] | None = None) -> NoReturn:
    """Run the command line; ends the process with an exit code of `docs/design.md`."""
    run_command(standing, _PROGRAM, arguments)


if __name__ == "__main__":
    main()

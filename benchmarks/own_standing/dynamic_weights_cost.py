"""What layers cost on XNNPACK whose weights are inputs: as they are, and as rewrites make them.

`python -m own_standing.dynamic_weights_cost --help`; `docs/rewrites.md` has figures.
"""

import json
import sys
from statistics import median
from typing import TYPE_CHECKING, Any, NoReturn

import click
from rich.console import Console
from rich.table import Table

from mvmoe_bench.report.printed import alone, printed
from mvmoe_bench.report.statistics import ENOUGH_REPEATS, MS, Ratio, paired_ratio
from mvmoe_deploy.cli.process import run_command
from own_standing.turns import Run, on_xnnpack, one_thread, times_of

if TYPE_CHECKING:
    from torch import Tensor, nn

_PROGRAM = "python -m own_standing.dynamic_weights_cost"
_CONSTANT, _AS_IT_IS, _REWRITTEN = "constant", "input", "input, rewritten"
_REWRITES = ("dynamic-linears", "dynamic-convolutions")


@click.command(context_settings={"help_option_names": ["-h", "--help"], "show_default": True})
@click.option("--blocks", type=click.IntRange(min=1), default=ENOUGH_REPEATS, help="Of rounds.")
@click.option("--rounds", type=click.IntRange(min=1), default=30, help="Calls of each in a block.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def dynamic_weights(blocks: int, rounds: int, as_json: bool) -> None:
    """Time layers with constant weights and with weights that are inputs, one thread, in turns."""
    data = measure(blocks, rounds)
    if as_json:
        sys.stdout.write(json.dumps(data) + "\n")
    else:
        show(Console(highlight=False), data)


def measure(blocks: int, rounds: int) -> dict[str, Any]:
    """Milliseconds of each form of each layer, and ratios to the one with constant weights.

    A block counts as a repeat: what slows the machine for a while slows all forms of it.
    """
    from msgspec.structs import asdict

    one_thread()
    found: dict[str, Any] = {}
    for layer, (module, x) in _layers().items():
        runs = _forms(module, x)
        found[layer] = {}
        # What is a hundred times as long needs few calls.
        for form, count in ((_REWRITTEN, rounds), (_AS_IT_IS, 1)):
            times = times_of({name: runs[name] for name in (_CONSTANT, form)}, blocks * count)
            repeats = [position // count for position in range(blocks * count)]
            ratio = paired_ratio(times[form], times[_CONSTANT], repeats)
            found[layer][form] = {
                "median_ms": {name: median(ns) * MS for name, ns in times.items()},
                "over_constant": asdict(ratio),
            }
    return found


def _layers() -> "dict[str, tuple[nn.Module, Tensor]]":
    """An expert's MLP on 50 tokens, and convolutions of 64 channels over 40 x 40 pixels."""
    import torch
    from torch import nn

    torch.manual_seed(0)
    image = torch.randn(1, 64, 40, 40)
    mlp = nn.Sequential(nn.Linear(192, 768), nn.GELU(), nn.Linear(768, 192))
    return {
        "MLP 192-768-192": (mlp.eval(), torch.randn(1, 50, 192)),
        "conv 1x1": (nn.Conv2d(64, 64, 1).eval(), image),
        "conv 3x3": (nn.Conv2d(64, 64, 3, padding=1).eval(), image),
    }


def _forms(module: "nn.Module", x: "Tensor") -> dict[str, Run]:
    """Each form of a layer, ready to run."""
    from mvmoe_export.programs import make_program, program_weights
    from mvmoe_export.targets.executorch.job import REWRITES

    ours = REWRITES["xnnpack"]
    others = tuple(name for name in ours if name not in _REWRITES)
    every = dict.fromkeys(dict(module.named_parameters()), 0)
    runs = {}
    for form, names, bound in (
        (_CONSTANT, ours, dict[str, int]()),
        (_AS_IT_IS, others, every),
        (_REWRITTEN, ours, every),
    ):
        program = make_program("layer", module, {"x": x}, names, bound=bound)
        held = program.bound_contents(program_weights(module), 0)
        runs[form] = on_xnnpack(program.exported, [x, *(held[slot.name] for slot in program.bound)])
    return runs


def show(out: Console, data: dict[str, Any]) -> None:
    """The same for people."""
    rows = Table(header_style="bold", box=None, pad_edge=False)
    for position, column in enumerate(("layer", "weights", "constant", "it", "ratio", "95%")):
        rows.add_column(column, justify="right" if position > 1 else "left")
    for layer, forms in data.items():
        for form, its in forms.items():
            ratio = printed(Ratio(**its["over_constant"]))
            both = (f"{alone(its['median_ms'][name])} ms" for name in (_CONSTANT, form))
            rows.add_row(layer, form, *both, ratio.value, ratio.marked)
    out.print(rows)


def main(arguments: list[str] | None = None) -> NoReturn:
    """Run the command line; ends the process with an exit code of `docs/design.md`."""
    run_command(dynamic_weights, _PROGRAM, arguments)


if __name__ == "__main__":
    main()

"""What V-MoE and Soft MoE cost beside the dense ViT, on two engines, V-MoE in both of its forms.

`python -m own_standing.token_experts_cost --help`; `docs/families/vmoe.md` and `soft_moe.md` have
figures. Compiling takes ExecuTorch some minutes.
"""

import json
import sys
from typing import TYPE_CHECKING, Any, NoReturn

import click
from rich.console import Console
from rich.table import Table

from mvmoe_bench.report.printed import alone, printed
from mvmoe_bench.report.statistics import ENOUGH_REPEATS, MS, Ratio, paired_ratio
from mvmoe_deploy.cli.process import run_command
from own_standing.token_selection_cost import (
    PRODUCTS_ON_ONNX_RUNTIME,
    as_onnx,
    as_xnnpack,
    with_rows,
)
from own_standing.turns import Run, one_thread, times_of

if TYPE_CHECKING:
    from torch import nn

_PROGRAM = "python -m own_standing.token_experts_cost"
_DENSE, _ROWS, _PRODUCTS, _SOFT = "dense", "V-MoE, rows", "V-MoE, products", "Soft MoE"
_FORMS = (_DENSE, _ROWS, _PRODUCTS, _SOFT)
_ENGINES = ("ONNX Runtime", "XNNPACK")


@click.command(context_settings={"help_option_names": ["-h", "--help"], "show_default": True})
@click.option("--size", default="12x192_p32_224", help="As the presets have it.")
@click.option("--blocks", type=click.IntRange(min=1), default=ENOUGH_REPEATS, help="Of rounds.")
@click.option("--rounds", type=click.IntRange(min=1), default=20, help="Calls of each in a block.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def token_experts(size: str, blocks: int, rounds: int, as_json: bool) -> None:
    """Time models whose tokens take experts, each as one graph with random weights."""
    data = measure(size, blocks, rounds)
    if as_json:
        sys.stdout.write(json.dumps(data) + "\n")
    else:
        show(Console(highlight=False), data)


def measure(size: str, blocks: int, rounds: int) -> dict[str, Any]:
    """For each engine milliseconds of each form, and ratios to the dense ViT; all in turns."""
    from statistics import median

    from msgspec.structs import asdict

    one_thread()
    times = times_of(forms(size), blocks * rounds)
    repeats = [position // rounds for position in range(blocks * rounds)]
    return {
        engine: {
            form: {
                "median_ms": median(times[f"{engine}, {form}"]) * MS,
                "over_dense": asdict(
                    paired_ratio(times[f"{engine}, {form}"], times[f"{engine}, {_DENSE}"], repeats)
                ),
            }
            for form in _FORMS
        }
        for engine in _ENGINES
    }


def forms(size: str) -> dict[str, Run]:
    """Each form on each engine, ready to run."""
    import torch

    from mvmoe_export.targets.executorch.job import REWRITES as EXECUTORCH
    from mvmoe_export.targets.onnx.profiles import REWRITES as ONNX

    dense, vmoe, soft = (_model(f"{family}_{size}") for family in ("vit", "vmoe", "soft_moe"))
    generator = torch.Generator().manual_seed(0)
    image = torch.randn(1, *dense.input.shape, generator=generator)
    cpu, products = ONNX["cpu"], EXECUTORCH["xnnpack"]
    onnx = ((dense, cpu), (vmoe, cpu), (vmoe, PRODUCTS_ON_ONNX_RUNTIME), (soft, cpu))
    xnnpack = ((dense, products), (vmoe, with_rows(products)), (vmoe, products), (soft, products))
    runs: dict[str, Run] = {}
    for form, (model, rewrites) in zip(_FORMS, onnx, strict=True):
        runs[f"ONNX Runtime, {form}"] = as_onnx(model, image, rewrites)
    for form, (model, rewrites) in zip(_FORMS, xnnpack, strict=True):
        runs[f"XNNPACK, {form}"] = as_xnnpack(model, image, rewrites)
    return runs


def _model(preset: str) -> "nn.Module":
    """A preset with random weights."""
    from mvmoe_deploy.models import build
    from mvmoe_deploy.models.presets import configuration

    return build(configuration(preset), seed=0).eval()


def show(out: Console, data: dict[str, Any]) -> None:
    """The same for people."""
    rows = Table(header_style="bold", box=None, pad_edge=False)
    for position, column in enumerate(("engine", "form", "it", "over dense", "95%")):
        rows.add_column(column, justify="right" if position > 1 else "left")
    for engine, found in data.items():
        for form, its in found.items():
            ratio = printed(Ratio(**its["over_dense"]))
            rows.add_row(engine, form, f"{alone(its['median_ms'])} ms", ratio.value, ratio.marked)
    out.print(rows)


def main(arguments: list[str] | None = None) -> NoReturn:
    """Run the command; errors are one sentence."""
    run_command(token_experts, _PROGRAM, arguments)


if __name__ == "__main__":
    main()

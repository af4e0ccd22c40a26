"""What choosing tokens costs: rows and products on two engines, beside the dense ViT.

`python -m own_standing.token_selection_cost --help`; `docs/rewrites.md` has figures.
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
from own_standing.data_selection import DataSelectionViT, Sizes
from own_standing.turns import Run, on_onnx_runtime, on_xnnpack, one_thread, times_of

if TYPE_CHECKING:
    from torch import Tensor, nn

_PROGRAM = "python -m own_standing.token_selection_cost"
_DENSE, _ROWS, _PRODUCTS = "dense", "rows", "products"
PRODUCTS_ON_ONNX_RUNTIME = ("views", "arithmetic", "slices", "joined-selections", "token-products")
_ENGINES = ("ONNX Runtime", "XNNPACK")


@click.command(context_settings={"help_option_names": ["-h", "--help"], "show_default": True})
@click.option("--patch", type=int, multiple=True, default=(32, 16), help="Side of a patch; 224 px.")
@click.option("--blocks", type=click.IntRange(min=1), default=ENOUGH_REPEATS, help="Of rounds.")
@click.option("--rounds", type=click.IntRange(min=1), default=20, help="Calls of each in a block.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def token_selection(patch: tuple[int, ...], blocks: int, rounds: int, as_json: bool) -> None:
    """Time a ViT of 12 layers of 192 features whose experts choose half of the tokens."""
    data = {str(side): measure(Sizes(patch=side), blocks, rounds) for side in patch}
    if as_json:
        sys.stdout.write(json.dumps(data) + "\n")
    else:
        show(Console(highlight=False), data)


def measure(sizes: Sizes, blocks: int, rounds: int) -> dict[str, Any]:
    """For each engine milliseconds of each form, and ratios to the dense ViT; all in turns."""
    from msgspec.structs import asdict

    one_thread()
    runs = forms(sizes)
    times = times_of(runs, blocks * rounds)
    repeats = [position // rounds for position in range(blocks * rounds)]
    found: dict[str, Any] = {}
    for engine in _ENGINES:
        base = times[f"{engine}, {_DENSE}"]
        found[engine] = {
            form: {
                "median_ms": median(times[f"{engine}, {form}"]) * MS,
                "over_dense": asdict(paired_ratio(times[f"{engine}, {form}"], base, repeats)),
            }
            for form in (_DENSE, _ROWS, _PRODUCTS)
        }
    return found


def forms(sizes: Sizes) -> dict[str, Run]:
    """Each form on each engine, ready to run; ExecuTorch takes a minute for each."""
    import torch

    from mvmoe_export.targets.executorch.job import REWRITES as EXECUTORCH
    from mvmoe_export.targets.onnx.profiles import REWRITES as ONNX

    torch.manual_seed(0)
    dense, chosen = _dense(sizes), DataSelectionViT(sizes).eval()
    image = torch.randn(1, 3, sizes.image, sizes.image)
    products = EXECUTORCH["xnnpack"]
    rows = with_rows(products)
    return {
        "ONNX Runtime, dense": as_onnx(dense, image, ONNX["cpu"]),
        "ONNX Runtime, rows": as_onnx(chosen, image, ONNX["cpu"]),
        "ONNX Runtime, products": as_onnx(chosen, image, PRODUCTS_ON_ONNX_RUNTIME),
        "XNNPACK, dense": as_xnnpack(dense, image, products),
        "XNNPACK, rows": as_xnnpack(chosen, image, rows),
        "XNNPACK, products": as_xnnpack(chosen, image, products),
    }


def with_rows(products: tuple[str, ...]) -> tuple[str, ...]:
    """Rewrites that leave rows where others make products of them."""
    return tuple("token-rows" if name == "token-products" else name for name in products)


def _dense(sizes: Sizes) -> "nn.Module":
    """The ViT of the same sizes in which every expert has every token."""
    from mvmoe_deploy.models import build
    from mvmoe_deploy.models.families.vit import ViTConfig

    config = ViTConfig(
        image_size=sizes.image,
        patch_size=sizes.patch,
        width=sizes.width,
        depth=sizes.depth,
        heads=sizes.experts,
        num_classes=sizes.classes,
    )
    return build(config).eval()


def as_onnx(model: "nn.Module", image: "Tensor", rewrites: tuple[str, ...]) -> Run:
    """A model on ONNX Runtime, with its weights inside its graph."""
    from onnx import numpy_helper

    from mvmoe_export.targets.onnx.template import make_template

    template = make_template("g", model, {"image": image}, ("answer",), 20, rewrites=rewrites)
    graph, filled = template.body.graph, template.fill(model)
    given = [value for value in graph.input if value.name not in filled]
    del graph.input[:]
    graph.input.extend(given)
    for name, content in filled.items():
        graph.initializer.append(numpy_helper.from_array(content, name))
    return on_onnx_runtime(template.body, {"image": image})


def as_xnnpack(model: "nn.Module", image: "Tensor", rewrites: tuple[str, ...]) -> Run:
    """A model on XNNPACK; what it leaves outside runs in ExecuTorch's portable kernels."""
    from mvmoe_export.programs import make_program

    return on_xnnpack(make_program("g", model, {"image": image}, rewrites).exported, [image])


def show(out: Console, data: dict[str, Any]) -> None:
    """The same for people."""
    rows = Table(header_style="bold", box=None, pad_edge=False)
    for position, column in enumerate(("patch", "engine", "form", "it", "over dense", "95%")):
        rows.add_column(column, justify="right" if position > 2 else "left")
    for patch, engines in data.items():
        for engine, found in engines.items():
            for form, its in found.items():
                ratio = printed(Ratio(**its["over_dense"]))
                ms = f"{alone(its['median_ms'])} ms"
                rows.add_row(patch, engine, form, ms, ratio.value, ratio.marked)
    out.print(rows)


def main(arguments: list[str] | None = None) -> NoReturn:
    """Run the command line; ends the process with an exit code of `docs/design.md`."""
    run_command(token_selection, _PROGRAM, arguments)


if __name__ == "__main__":
    main()

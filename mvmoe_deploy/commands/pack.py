"""`mvmoe pack`: what an app ships of a bundle."""

from pathlib import Path
from typing import TYPE_CHECKING

import click
import msgspec

from mvmoe_deploy.bundle.summary import GraphSummary, SizeReport
from mvmoe_deploy.cli import shared_options
from mvmoe_deploy.cli.group import command
from mvmoe_deploy.cli.output import emit
from mvmoe_deploy.cli.progress_bars import progress
from mvmoe_deploy.errors import CheckFailedError

if TYPE_CHECKING:
    from rich.console import Console

    from mvmoe_deploy.bundle.bundle_pack import BundlePack

_BYTES_OF_MB = 10**6


class NewPack(msgspec.Struct, frozen=True, kw_only=True):
    """A pack that was written; `packed` is null of one that was too large to be written."""

    packed: str | None
    bundle: str
    target: str
    manifest_sha256: str
    bytes: int
    files: int
    graphs: tuple[GraphSummary, ...]
    sizes: SizeReport | None

    @classmethod
    def of(cls, pack: "BundlePack", output: Path | None) -> "NewPack":
        """What is shown of a pack; its graphs by the weights that they alone need."""
        summary = pack.summary()
        return cls(
            packed=None if output is None else str(output),
            bundle=str(pack.bundle.path),
            target=pack.target,
            manifest_sha256=pack.manifest_sha256,
            bytes=pack.total_bytes,
            files=len(pack.files) + 1,
            graphs=tuple(sorted(summary.graphs, key=lambda graph: -graph.exclusive_bytes)),
            sizes=summary.sizes,
        )


@command()
@click.argument("bundle", type=click.Path(path_type=Path))
@click.option(
    "--target",
    type=shared_options.parts("targets"),
    required=True,
    help="The one that the app runs.",
)
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path),
    help="A file that ends in .zip, or a directory; else BUNDLE-TARGET.zip in this directory.",
)
@click.option(
    "--max-mb",
    type=click.FloatRange(min=0, min_open=True),
    help="Write nothing if all files together have more (1 MB is 1,000,000 bytes).",
)
@shared_options.manifest_sha256
@shared_options.plugins
@shared_options.force
def pack(
    *,
    bundle: Path,
    target: str,
    output: Path | None,
    max_mb: float | None,
    manifest_sha256: str | None,
    plugins: bool,
    force: bool,
    as_json: bool,
) -> None:
    """Write what an app ships of BUNDLE: one target, its manifest, the golden vectors, no more.

    The manifest has another hash than that of BUNDLE, which is printed. A pack that is larger than
    --max-mb ends with exit code 1 and the sizes of its graphs and experts.
    """
    from mvmoe_deploy.bundle import Bundle
    from mvmoe_deploy.bundle.bundle_pack import BundlePack

    made = BundlePack.of(Bundle.open(bundle, manifest_sha256, plugins=plugins), target)
    if max_mb is not None:
        _require_small(made, max_mb, as_json)
    output = output or Path(f"{bundle.absolute().stem}-{target}.zip")
    with progress() as advance:
        made.write(output, replace_existing=force, progress=advance)
    emit(as_json, NewPack.of(made, output), show)


def _require_small(made: "BundlePack", max_mb: float, as_json: bool) -> None:
    """Refuse a pack that is too large; its sizes are in the error, and a table for a person."""
    try:
        made.require_at_most(int(max_mb * _BYTES_OF_MB))
    except CheckFailedError:
        if not as_json:
            emit(as_json, NewPack.of(made, None), show)
        raise


def show(out: "Console", made: NewPack) -> None:
    """A pack in one line and its hash; of one that is too large its graphs and experts."""
    from mvmoe_deploy.cli.bundle_view import graph_rows, show_sizes
    from mvmoe_deploy.cli.tables import size

    what = f"target {made.target} of {made.bundle}: {size(made.bytes)} in {made.files} files"
    if made.packed is not None:
        out.print(f"wrote {made.packed}: {what}")
        out.print(f"  manifest: SHA-256 {made.manifest_sha256}")
        return
    out.print(what)
    out.print(graph_rows(made.graphs))
    if made.sizes is not None:
        show_sizes(out, made.sizes)


PART = pack

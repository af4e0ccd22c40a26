"""`mvmoe inspect`: what is in a bundle, its files checked."""

from pathlib import Path

import click

from mvmoe_deploy.cli import shared_options
from mvmoe_deploy.cli.group import command
from mvmoe_deploy.cli.output import emit


@command()
@click.argument("bundle", type=click.Path(path_type=Path))
@shared_options.manifest_sha256
@shared_options.plugins
def inspect(bundle: Path, manifest_sha256: str | None, plugins: bool, as_json: bool) -> None:
    """Check the files of BUNDLE against its manifest and say what is in it.

    Targets whose files were all removed are told; files of others that are missing are an error.
    """
    from mvmoe_deploy.bundle import Bundle
    from mvmoe_deploy.cli.bundle_view import BundleView, show_bundle

    opened = Bundle.open(bundle, manifest_sha256, plugins=plugins)
    removed = opened.removed_targets()
    opened.verify(*(name for name in opened.manifest.targets if name not in removed))
    view = BundleView.of(
        str(bundle), opened.manifest, opened.manifest_sha256, removed_targets=removed
    )
    emit(as_json, view, show_bundle)


PART = inspect

"""Export the bundles with which the demo apps' boxes and masks are tested again.

Run `python -m tests.android_demo.generate` in the checkout.

Other releases of PyTorch and of the exporter give other bytes, so no test asks for the same ones.
"""

from pathlib import Path

from mvmoe_deploy.training.datasets.shapes import CLASSES
from mvmoe_export import Identity, export_bundle
from tests.support.many_outputs import many_outputs
from tests.support.small_detector import small_detector

FOLDER = Path(__file__).parent / "bundles"


def main() -> None:
    """Write the bundles."""
    export_bundle(many_outputs(), FOLDER / "many_outputs", targets=("onnx",), replace_existing=True)
    export_bundle(
        small_detector(),
        FOLDER / "detector",
        targets=("onnx",),
        strategy="experts",
        identity=Identity(name="detector", labels=CLASSES),
        replace_existing=True,
    )


if __name__ == "__main__":
    main()

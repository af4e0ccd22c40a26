"""Export the bundle with which the demo app's boxes and masks are tested again.

Run `python -m tests.android_demo.generate` in the checkout.

Other releases of PyTorch and of the exporter give other bytes, so no test asks for the same ones.
"""

from pathlib import Path

from mvmoe_export import export_bundle
from tests.support.many_outputs import many_outputs

FOLDER = Path(__file__).parent / "bundles" / "many_outputs"


def main() -> None:
    """Write the bundle."""
    export_bundle(many_outputs(), FOLDER, targets=("onnx",), replace_existing=True)


if __name__ == "__main__":
    main()

"""A user's program: export, verify, open, answer. Checked by mypy and pyright, both strict."""

import sys
from pathlib import Path
from typing import assert_type

import numpy as np

from mvmoe_deploy import (
    Bundle,
    Dispatcher,
    MvmoeError,
    PixelBuffer,
    Plane,
    Prediction,
    UntestedEngineWarning,
    __version__,
    verify_bundle,
)
from mvmoe_deploy.bundle import Manifest
from mvmoe_deploy.models.contract import RoutedModel
from mvmoe_export import ExportOptions, Identity, export_bundle


def export(model: RoutedModel, place: Path) -> str:
    """The name of the model that was exported."""
    manifest = export_bundle(
        model, place, targets=["onnx"], identity=Identity(), options=ExportOptions()
    )
    assert_type(manifest, Manifest)
    return manifest.model.name


def verified(place: Path) -> bool:
    """Whether every engine that is here answers as the golden vectors say."""
    bundle = Bundle.open(place)
    assert_type(bundle, Bundle)
    bundle.verify()
    report = verify_bundle(bundle)
    assert_type(report.ok, bool)
    assert_type(list(report.targets), list[str])
    return report.ok


def answer(place: Path, image: Path) -> tuple[str | None, float | None]:
    """The best class of an image, and how sure the model is."""
    with Dispatcher.open(place, max_resident_experts=1) as dispatcher:
        assert_type(dispatcher, Dispatcher)
        found = dispatcher.predict(image)
        assert_type(found, Prediction)
        outputs = dispatcher.run(np.zeros((1, 3, 8, 8), np.float32))
        shapes: list[tuple[int, ...]] = [array.shape for array in outputs.values()]
        print(shapes, found.route, dispatcher.check().ok, file=sys.stderr)
        return found.label, found.probability


def main() -> int:
    """Answer the image that is given; the exit code is 2 for bad input."""
    try:
        print(*answer(Path(sys.argv[1]), Path(sys.argv[2])), __version__)
    except MvmoeError as error:
        print(error.code, error, file=sys.stderr)
        return 2
    return 0


KEPT: tuple[type[Warning], type[PixelBuffer], type[Plane]] = (
    UntestedEngineWarning,
    PixelBuffer,
    Plane,
)

if __name__ == "__main__":
    sys.exit(main())

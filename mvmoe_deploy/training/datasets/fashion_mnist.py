"""Fashion-MNIST: 70,000 pictures of clothes of 28 x 28 pixels, ten classes.

H. Xiao, K. Rasul, R. Vollgraf, "Fashion-MNIST" (arXiv 1708.07747). Debian's package
`dataset-fashion-mnist` puts its four files where `FOLDER` says.
"""

import hashlib
from pathlib import Path

from mvmoe_deploy.errors import InputError
from mvmoe_deploy.training.augment import vary_mirrored
from mvmoe_deploy.training.datasets.contract import DataSet
from mvmoe_deploy.training.datasets.idx_folder import FILES, IdxFolder

FOLDER = Path("/usr/share/datasets/fashion-mnist")

_TEST_LABELS = "3d0e6c6ea990b53b6f8f500a41cac93881d981b315f84578b7d915342ade01e9"
"""SHA-256 of the labels of its test images, which no other data set has."""


class FashionMnist(IdxFolder):
    """The data set, in Debian's directory or in another."""

    augment = staticmethod(vary_mirrored)

    @property
    def classes(self) -> tuple[str, ...]:
        """The authors' names."""
        self._require_files()
        return (
            "T-shirt/top", "Trouser", "Pullover", "Dress", "Coat",
            "Sandal", "Shirt", "Sneaker", "Bag", "Ankle boot",
        )  # fmt: skip

    def at(self, folder: Path) -> DataSet | None:
        """A directory whose test images have the labels of this data set."""
        found = FashionMnist(folder)
        labels = found.labels("t10k").astype("uint8")
        return found if hashlib.sha256(labels.tobytes()).hexdigest() == _TEST_LABELS else None

    def statistics(self) -> tuple[float, float]:
        """Of the 60,000 training images."""
        return 0.2860, 0.3530

    def _require_files(self) -> None:
        """Raise InputError that says how to get the files."""
        if not self.fits(self.folder):
            names = ", ".join(f"{name}-ubyte.gz" for name in FILES)
            raise InputError(
                f"Fashion-MNIST is not in {self.folder}; install it with apt-get install "
                f"dataset-fashion-mnist, or give the directory of its four files ({names}) instead "
                "of its name",
                code="data.invalid",
                path=str(self.folder),
            )


PART = FashionMnist(FOLDER)

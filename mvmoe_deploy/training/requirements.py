"""The packages that a run needs at its end: that one is missing is known at the start."""

from importlib.util import find_spec

from mvmoe_deploy.errors import MissingExtraError

_PACKAGES = {
    "lightning_fabric": "lightning-fabric, which runs the training,",
    "sklearn": "scikit-learn, which splits the images,",
    "networkx": "networkx, which finds the super-classes,",
    "scipy": "SciPy, which the verdict on routers needs,",
    "matplotlib": "matplotlib, which draws the heat map,",
}


def require_packages() -> None:
    """Refuse to begin without what the phases, the super-classes and the picture need.

    Raises MissingExtraError for the first package that is missing.
    """
    for name, what in _PACKAGES.items():
        if find_spec(name) is None:
            raise MissingExtraError.of(what, "train")

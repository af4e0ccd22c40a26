"""Which versions of its engine a runner was tested with, and the warning beyond them.

Another version usually works: a warning says that nobody has looked, an error would be wrong. What
verified a bundle is in its manifest (`source.packages`); this asks what runs it now.
"""

import importlib.metadata
import re
import sys
import warnings
from collections.abc import Iterable
from dataclasses import dataclass


class UntestedEngineWarning(UserWarning):
    """The installed version of an engine is outside of the range that was tested."""


@dataclass(frozen=True)
class TestedVersions:
    """The versions of a distribution that a runner was tested with: from `lowest` to below `end`.

    Those that `pyproject.toml` states too, for an engine that its extra leaves a choice of.
    """

    __test__ = False  # No test of pytest's.

    package: str
    """The distribution, and the module that has its `__version__`."""
    lowest: str
    end: str

    def hold(self, version: str) -> bool:
        """Whether a version is among them; a pre-release counts as its release."""
        return _numbers(self.lowest) <= _numbers(version) < _numbers(self.end)


def warn_of_untested(ranges: Iterable[TestedVersions], *, stacklevel: int) -> None:
    """Warn with UntestedEngineWarning of each engine whose version is outside of its range.

    `stacklevel` is that of `warnings.warn`, from the caller. Nothing is imported; an engine that
    does not say its version is not judged.
    """
    for tested in ranges:
        version = _installed(tested.package)
        if version is not None and not tested.hold(version):
            warnings.warn(
                f"{tested.package} {version} runs this bundle, but mvmoe-deploy was tested with "
                f"{tested.package} >= {tested.lowest}, < {tested.end}; install one of those, or "
                "compare routes and answers with mvmoe verify (Dispatcher.check in a program)",
                UntestedEngineWarning,
                stacklevel=stacklevel + 1,
            )


def _installed(package: str) -> str | None:
    """The version in memory, else that of the distribution; None if neither is known.

    The module comes first: builds for other providers have distributions of other names.
    """
    version = getattr(sys.modules.get(package), "__version__", None)
    if isinstance(version, str):
        return version
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return None


def _numbers(version: str) -> tuple[int, ...]:
    """The release of a version as numbers, without zeros at its end: `1.32.0rc1` is (1, 32)."""
    release = re.match(r"\d+(?:\.\d+)*", version)
    numbers = [int(part) for part in release.group().split(".")] if release else []
    while numbers and numbers[-1] == 0:
        numbers.pop()
    return tuple(numbers)

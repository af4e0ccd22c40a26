"""The closed set of errors this product raises on purpose.

Each message is one sentence that says what was given, what was expected and what to do next.
The command line turns them into exit codes (see `docs/design.md`); a library user catches
`MvmoeError`.
"""

from typing import Any, Self

from mvmoe_deploy.text import one_line


class MvmoeError(Exception):
    """Base of every error raised on purpose; `exit_code` is what the command line returns.

    A message quotes names that others chose, of files, fields and tensors: it is kept as one line
    without characters that a terminal would obey.
    """

    exit_code = 2

    def __init__(self, message: str = "", *others: object) -> None:
        super().__init__(one_line(message) if message else "", *others)


class InputError(MvmoeError, ValueError):
    """What the caller gave cannot be used: a file, a shape, a name, a number."""


class CheckpointError(InputError):
    """A checkpoint is missing, damaged, or does not fit the model it is loaded into."""


class BundleError(InputError):
    """A bundle is missing, damaged, or says something that cannot be true."""


class BundleReplacedError(BundleError):
    """A bundle's files were replaced or changed while a dispatcher had it open."""


class ProcessBoundError(InputError):
    """A dispatcher was copied, pickled, or used in a child that was forked from its process."""


class ImageError(InputError):
    """An image cannot be read as one."""


class RoutingError(MvmoeError, ValueError):
    """Router logits that cannot be routed: not finite, or of the wrong shape."""


class OutputError(MvmoeError, OSError):
    """The output could not be written; no partial output was written."""


class CheckFailedError(MvmoeError):
    """A check ran and fell short: the route guard, a parity bound."""

    exit_code = 1


class EngineError(MvmoeError):
    """An engine refused to load or run a graph that the bundle declares."""

    exit_code = 1


class ResourceLimitError(EngineError):
    """The process or the machine has no more files, memory or threads to give."""


class UnsupportedPlatformError(EngineError):
    """An engine does not exist on this machine's system."""

    exit_code = 3


class PartialResultError(EngineError):
    """Some images of a batch have no answer, because a graph they need does not load or run.

    `answers` `[B, classes]` holds the others' (rows of NaN for those that failed), `failed` the
    error of each that failed by its position.
    """

    answers: Any
    failed: dict[int, EngineError]

    @classmethod
    def of(cls, failed: dict[int, EngineError], answers: Any) -> Self:
        """The error for the images in `failed`; the others' answers are in `answers`."""
        causes = "; ".join(dict.fromkeys(str(error) for error in failed.values()))
        error = cls(
            f"images {sorted(failed)} of {len(answers)} have no answer (error.answers has those "
            f"of the others): {causes}"
        )
        error.answers, error.failed = answers, failed
        return error


class MissingExtraError(MvmoeError, ImportError):
    """An engine or an extra is not installed; the message names the pip command."""

    exit_code = 3

    @classmethod
    def of(cls, what: str, extra: str) -> Self:
        """The error for `what` that needs the extra named `extra`."""
        return cls(f"{what} is not installed; run: pip install 'mvmoe-deploy[{extra}]'")

    @classmethod
    def from_import(cls, error: ImportError, what: str, extra: str) -> Self:
        """The error for `what` whose import failed: it is not installed, or cannot be loaded."""
        if isinstance(error, ModuleNotFoundError):
            return cls.of(what, extra)
        return cls(
            f"{what} is installed but cannot be loaded ({one_line(error, 200)}); run: pip install "
            f"--force-reinstall 'mvmoe-deploy[{extra}]'"
        )

"""The closed set of errors this product raises on purpose.

Each message is one sentence that says what was given, what was expected and what to do next. Each
error has a `code` of the closed list in `error_codes.py` (`docs/errors.md`), the same in every
language, and named `fields` with what the sentence is about: a program branches on these and never
on the sentence. The command line turns errors into exit codes (see `docs/design.md`); a library
user catches `MvmoeError`.
"""

from collections.abc import Mapping
from typing import Any, ClassVar, Self

from mvmoe_deploy.text import one_line


class Fault:
    """What a program reads of an error, without its sentence: a code, and its fields."""

    def __init__(self, code: str, **fields: object) -> None:
        self.code = code
        self.fields = fields

    @classmethod
    def of(cls, error: "MvmoeError") -> Self:
        """That of an error."""
        return cls(error.code, **error.fields)


class MvmoeError(Exception):
    """Base of every error raised on purpose; `exit_code` is what the command line returns.

    A message quotes names that others chose, of files, fields and tensors: it is kept as one line
    without characters that a terminal would obey. `fields` are plain values: texts, numbers, lists.
    """

    exit_code: ClassVar[int] = 2
    general_code: ClassVar[str] = "internal.error"
    """The code of an error that is raised without one: a failure that no program branches on."""

    def __init__(self, message: str = "", *, code: str | None = None, **fields: object) -> None:
        super().__init__(one_line(message) if message else "")
        self.code = code or self.general_code
        self.fields = fields

    def within(self, where: str) -> Self:
        """The same error, its sentence begun with where it came up."""
        return type(self)(f"{where}: {self}", code=self.code, **self.fields)


class InputError(MvmoeError, ValueError):
    """What the caller gave cannot be used: a file, a shape, a name, a number."""

    general_code = "input.invalid"


class CheckpointError(InputError):
    """A checkpoint is missing, damaged, or does not fit the model it is loaded into."""

    general_code = "checkpoint.invalid"

    @classmethod
    def missing(cls, path: object) -> Self:
        """The error for a path at which nothing is."""
        return cls(
            f"checkpoint {path} does not exist; give a directory, a .safetensors or a .pt file",
            code="checkpoint.missing",
            path=str(path),
        )


class BundleError(InputError):
    """A bundle is missing, damaged, or has contradictory fields."""

    general_code = "bundle.invalid"


class BundleReplacedError(BundleError):
    """A bundle's files were replaced or changed while a dispatcher had it open."""

    general_code = "bundle.replaced"


class ProcessBoundError(InputError):
    """A dispatcher was copied, pickled, or used in a child that was forked from its process."""

    general_code = "dispatcher.wrong-process"


class ImageError(InputError):
    """An image cannot be read as one."""

    general_code = "image.invalid"


class RoutingError(MvmoeError, ValueError):
    """Router logits that cannot be routed: not finite, or of the wrong shape."""

    general_code = "routing.invalid"


class OutputError(MvmoeError, OSError):
    """The output could not be written; no partial output was written."""

    general_code = "output.refused"


class CheckFailedError(MvmoeError):
    """A check ran and fell short: the route guard, a parity bound."""

    exit_code = 1
    general_code = "check.failed"


class EngineError(MvmoeError):
    """An engine refused to load or run a graph that the bundle declares."""

    exit_code = 1
    general_code = "engine.failed"


class ResourceLimitError(EngineError):
    """The process or the machine has no more files, memory or threads to give."""

    general_code = "limit.reached"


class UnsupportedPlatformError(EngineError):
    """An engine does not exist on this machine's system."""

    exit_code = 3
    general_code = "engine.unsupported-platform"


class PartialResultError(EngineError):
    """Some images of a batch have no answer, because a graph they need does not load or run.

    Images of the same batch whose answers are not finite are among them. `answers` holds the
    outputs `[B, ...]` of the others by name (NaN for those that failed), `failed` the error of
    each that failed by its position.
    """

    general_code = "engine.partial-result"

    answers: Mapping[str, Any]
    failed: Mapping[int, MvmoeError]

    @classmethod
    def of(cls, failed: Mapping[int, MvmoeError], answers: Mapping[str, Any], images: int) -> Self:
        """The error for those of `images` in `failed`; the others' outputs are in `answers`."""
        causes = "; ".join(dict.fromkeys(str(error) for error in failed.values()))
        error = cls(
            f"images {sorted(failed)} of {images} have no answer (error.answers has those "
            f"of the others): {causes}",
            images=sorted(failed),
        )
        error.answers, error.failed = answers, failed
        return error


class MissingExtraError(MvmoeError, ImportError):
    """An engine or an extra is not installed; the message names the pip command."""

    exit_code = 3
    general_code = "extra.missing"

    @classmethod
    def of(cls, what: str, extra: str) -> Self:
        """The error for `what` that needs the extra named `extra`."""
        return cls(
            f"{what} is not installed; run: pip install 'mvmoe-deploy[{extra}]'",
            what=what,
            extra=extra,
        )

    @classmethod
    def from_import(cls, error: ImportError, what: str, extra: str) -> Self:
        """The error for `what` whose import failed: it is not installed, or cannot be loaded."""
        if isinstance(error, ModuleNotFoundError):
            return cls.of(what, extra)
        return cls(
            f"{what} is installed but cannot be loaded ({one_line(error, 200)}); run: pip install "
            f"--force-reinstall 'mvmoe-deploy[{extra}]'",
            code="extra.broken",
            what=what,
            extra=extra,
        )

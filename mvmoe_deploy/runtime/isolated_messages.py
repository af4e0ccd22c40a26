"""What passes between a process and one that it isolates: plain data, tagged by its kind."""

from typing import Any, Self

import msgspec

from mvmoe_deploy import errors
from mvmoe_deploy.bundle.manifest import Target
from mvmoe_deploy.errors import EngineError, MvmoeError


class Message(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag=True):
    """The base of all messages."""


class OpenRequest(Message, frozen=True):
    """Open the runner of a target's format, and keep it under a number."""

    runner: int
    root: bytes
    """The bundle's path as the system has it: names need be no text."""
    target: Target
    threads: int | None
    engine_options: dict[str, str]
    plugins: bool


class LoadRequest(Message, frozen=True):
    """Bring a graph into memory and keep it under a number; first drop those of `unused`."""

    runner: int
    graph: str
    number: int
    unused: tuple[int, ...]


class RunRequest(Message, frozen=True):
    """Run a loaded graph on the bytes of its inputs, in the manifest's order."""

    number: int
    inputs: tuple[bytes, ...]


Request = OpenRequest | LoadRequest | RunRequest


class OpenReply(Message, frozen=True):
    """The runner is open."""

    description: str
    provider: str
    stands_in_for: str | None


class DoneReply(Message, frozen=True):
    """It was done; after a run, the bytes of the outputs in the manifest's order."""

    outputs: tuple[bytes, ...] = ()


class Refused(Message, frozen=True):
    """It raised one of our errors; see `docs/errors.md` for `code` and `fields`."""

    error: str
    """The name of its class."""
    message: str
    code: str
    fields: dict[str, Any] = {}

    @classmethod
    def of(cls, error: MvmoeError) -> Self:
        """The message for an error; of its fields what is no plain value becomes its text."""
        fields = msgspec.to_builtins(error.fields, enc_hook=str)
        return cls(type(error).__name__, str(error), error.code, fields)

    def as_error(self) -> MvmoeError:
        """The error that was raised; one of a class that this process lacks is an EngineError."""
        kind = getattr(errors, self.error, None)
        if not (isinstance(kind, type) and issubclass(kind, MvmoeError)):
            kind = EngineError
        error = kind(self.message, code=self.code)
        error.fields = self.fields
        return error


Reply = OpenReply | DoneReply | Refused

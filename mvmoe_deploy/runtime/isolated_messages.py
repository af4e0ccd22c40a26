"""What passes between an isolated runner and its process: plain data, tagged by its kind."""

from typing import Any

import msgspec

from mvmoe_deploy.bundle.manifest import Target


class _Message(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag=True):
    """What all messages are."""


class Open(_Message, frozen=True):
    """Open the runner of a target's format, and keep it under a number."""

    runner: int
    root: str
    target: Target
    threads: int | None
    engine_options: dict[str, str]
    plugins: bool


class Load(_Message, frozen=True):
    """Bring a graph into memory and keep it under a number; first drop those of `unused`."""

    runner: int
    graph: str
    number: int
    unused: tuple[int, ...]


class Run(_Message, frozen=True):
    """Run a loaded graph on the bytes of its inputs, in the manifest's order."""

    number: int
    inputs: tuple[bytes, ...]


Request = Open | Load | Run


class Opened(_Message, frozen=True):
    """The runner is open."""

    description: str
    provider: str
    stands_in_for: str | None


class Done(_Message, frozen=True):
    """It was done; after a run, the bytes of the outputs in the manifest's order."""

    outputs: tuple[bytes, ...] = ()


class Refused(_Message, frozen=True):
    """It raised one of our errors; see `docs/errors.md` for `code` and `fields`."""

    error: str
    """The name of its class."""
    message: str
    code: str
    fields: dict[str, Any] = {}


Answer = Opened | Done | Refused

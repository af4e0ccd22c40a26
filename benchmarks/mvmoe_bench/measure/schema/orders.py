"""What a device is asked to do: an order is one process's work, in plain data.

A device on another machine sends the order there with the files that it names, and lets the other
side answer with lines of a results file. Paths are the device's to translate.
"""

from typing import Any, Self

import msgspec

from mvmoe_bench.measure.schema.records import SCHEMA, VERSION, EngineChoice, Preset, Routes
from mvmoe_deploy.errors import InputError


class _Part(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What orders consist of."""


class Query(_Part, frozen=True):
    """One question: an image, and its route where that is known or imposed."""

    image: int
    routes: Routes | None = None
    """What the image takes; None if nobody has asked the router yet, or nobody routes."""
    forced: bool = False
    """Whether `routes` are imposed, whatever the router says."""
    choices: dict[str, str] = {}
    """What its caller chooses, where no router decides: `{"task": "depth"}`."""

    def down(self, routes: Routes) -> Self:
        """The same question, with the routes that its image is known to take."""
        return msgspec.structs.replace(self, routes=routes)


class SubjectOrder(_Part, kw_only=True, frozen=True):
    """A subject to make ready, and what to ask it."""

    key: str
    kind: str
    """Which file of `subjects/` makes it; a plug-in's name."""
    root: str
    """A bundle; or a directory of whole-model graphs; or a checkpoint, for PyTorch: empty for the
    weights that a factory gives."""
    manifest_sha256: str | None = None
    """Of the bundle that was checked: what is measured is that one."""
    target: str | None
    """The bundle's target, or None."""
    output_kinds: dict[str, str] = {}
    """The kind of each output, which says what of it is compared apart."""
    class_output: str | None = None
    """The output whose highest value is the class; None of a model that does not classify."""
    engine_options: dict[str, str] = {}
    engine_modules: tuple[str, ...] = ()
    """What an application with this engine imports; timed apart in `start`."""
    program: str = ""
    """Which of the device's programs answers; empty where the device has only one."""
    requested: EngineChoice
    threads: int
    budget: int | None = None
    """Experts that may be resident in each routed stage; None for all."""
    config: str | None = None
    """For a checkpoint that comes without its configuration; of a user's own model its factory."""
    weights: str | None = None
    """Of a checkpoint with several sets of weights the one to take."""
    plugins: bool = False
    """Whether its bundle may name parts of other distributions, which are then imported."""
    queries: tuple[Query, ...]

    @property
    def of_target(self) -> str:
        """Its target; raises InputError for a subject that has none, such as PyTorch."""
        if self.target is None:
            raise InputError(
                f"the subject {self.key} was ordered without a target",
                code="input.option",
                name="target",
            )
        return self.target


class MeasurementOrder(_Part, kw_only=True, frozen=True):
    """One job of one repeat."""

    job: str
    kind: str
    """Which measurement it is of: a file of `jobs/`, or a plug-in's."""
    one_subject: bool = False
    """Whether there is nothing to do without the engine of its one subject."""
    repeat: int
    preset: Preset
    images: str
    """A `.npy` file of inputs `[n, C, H, W]`, fp32."""
    names: tuple[str, ...] = ()
    labels: tuple[str | None, ...] = ()
    """Of the images, for `answers`."""
    reference: dict[str, str] = {}
    """By subject, a safetensors file of the outputs `[n, ...]` that it should answer with."""
    subjects: tuple[SubjectOrder, ...]
    started_ns: int = 0
    """`time.monotonic_ns()` just before the process was started."""
    status: str | None = None
    """A file of one byte, in which the process keeps the number of the subject it works on."""


def json_schema() -> dict[str, Any]:
    """The published JSON Schema of an order (`docs/orders.schema.json`)."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": f"{SCHEMA} version {VERSION}, one order",
        **msgspec.json.schema(MeasurementOrder),
    }

"""What an app says of itself before anything is ordered."""

from typing import Any

import msgspec

from mvmoe_bench.measure.devices.contract import Variant
from mvmoe_bench.measure.schema.records import EngineChoice
from mvmoe_deploy.bundle.manifest import Target
from mvmoe_deploy.errors import UnsupportedPlatformError


class DescribedVariant(msgspec.Struct, frozen=True):
    """One way in which the app runs the targets of a format."""

    requested: EngineChoice
    engine_options: dict[str, str] = {}
    label: str = ""


class Description(msgspec.Struct, frozen=True):
    """What the app says of itself; fields that are not here are for people."""

    variants: dict[str, tuple[DescribedVariant, ...]]
    """By format, the usual way first."""
    packages: dict[str, str]
    subjects: tuple[str, ...]
    java: str | None = None
    swift: str | None = None
    abi: str | None = None
    identity: dict[str, Any] = {}
    """What else the app knows of its phone: chip, memory, heat, battery."""

    def variants_of(self, target: Target) -> list[Variant]:
        """How it runs a target; raises UnsupportedPlatformError for one that it does not.

        A note in the results may say so: the sentence has neither name nor number of the phone.
        """
        if target.format not in self.variants:
            raise UnsupportedPlatformError(
                f"the app on the phone runs {', '.join(self.variants) or 'nothing'}, and "
                f"not {target.format}; give another target, or --device host",
                name=target.format,
                expected=list(self.variants),
            )
        return [
            Variant(each.requested, each.engine_options, label=each.label)
            for each in self.variants[target.format]
        ]

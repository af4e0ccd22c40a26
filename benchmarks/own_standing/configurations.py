"""The configuration of a preset, with another number of experts if one is asked for."""

import dataclasses

from mvmoe_deploy.errors import InputError
from mvmoe_deploy.models import ModelConfig
from mvmoe_deploy.models.presets import configuration


def with_experts(preset: str, experts: int | None) -> ModelConfig:
    """The configuration of a preset or JSON file.

    Raises InputError if `experts` is given and models of that family have no experts.
    """
    config = configuration(preset)
    if experts is None:
        return config
    if "experts" not in {field.name for field in dataclasses.fields(config)}:
        raise InputError(
            f"the preset {preset} has no experts, and --experts {experts} was given; give the "
            "preset of a routed model, or leave --experts out",
            code="input.option",
            name="experts",
            given=experts,
        )
    return dataclasses.replace(config, experts=experts)

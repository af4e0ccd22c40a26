"""How much `mvmoe bench` measures: three sizes of one protocol."""

import msgspec

from mvmoe_bench.measure.schema.records import Preset

PRESETS = {
    preset.name: preset
    for preset in (
        # Six repeats: fewer cannot make a 95% interval (see `statistics.py`).
        Preset(
            name="quick",
            repeats=6,
            queries=16,
            seconds=0.0,
            most_seconds=20.0,
            warmup=3,
            starts=3,
            stream=100,
            cooldown=0.0,
        ),
        Preset(
            name="standard",
            repeats=9,
            queries=48,
            seconds=2.0,
            most_seconds=90.0,
            warmup=5,
            starts=7,
            stream=300,
            cooldown=0.5,
        ),
        Preset(
            name="rigorous",
            repeats=15,
            queries=120,
            seconds=10.0,
            most_seconds=300.0,
            warmup=10,
            starts=15,
            stream=1000,
            cooldown=5.0,
        ),
    )
}
"""By name."""


def preset_of(
    name: str, *, sustained: float = 0.0, paced: float = 0.0, rate: float | None = None
) -> Preset:
    """A preset with the seconds of what is measured on demand; `rate` in frames a second."""
    preset = msgspec.structs.replace(PRESETS[name], sustained=sustained, paced=paced)
    return preset if rate is None else msgspec.structs.replace(preset, rate=rate)

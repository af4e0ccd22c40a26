"""How warm this machine's processor is, where the system says."""

_PROCESSORS = (
    "coretemp",
    "k10temp",
    "zenpower",
    "cpu_thermal",
    "x86_pkg_temp",
    "soc_thermal",
    "acpitz",
)
"""What Linux calls a sensor of the processor, the surest first. Others are of disks and radios."""


def processor_celsius() -> float | None:
    """Degrees Celsius of the processor's warmest sensor; None where the system does not say.

    Linux says it, unless it runs in a virtual machine; macOS and Windows do not.
    """
    import psutil

    if not hasattr(psutil, "sensors_temperatures"):
        return None
    sensors = psutil.sensors_temperatures()
    name = next((name for name in _PROCESSORS if sensors.get(name)), None)
    return None if name is None else max(float(sensor.current) for sensor in sensors[name])

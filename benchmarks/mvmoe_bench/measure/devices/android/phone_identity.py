"""What a phone says of itself: chip, cores, system, battery, heat."""

import re
from typing import Any

from mvmoe_bench.measure.devices.android.adb import Adb
from mvmoe_bench.measure.devices.android.conditions import battery, heat

_CORES = "/sys/devices/system/cpu/cpu[0-9]*/cpufreq"
_POWERED = re.compile(r"(\w+) powered")


def properties(adb: Adb) -> dict[str, str]:
    """The system's properties by name."""
    found = re.findall(r"^\[(.*?)\]: \[(.*?)\]", adb.ask("getprop") or "", re.MULTILINE)
    return dict(found)


def api_level(properties: dict[str, str]) -> int:
    """The API level; 0 if it is not told."""
    level = properties.get("ro.build.version.sdk", "")
    return int(level) if level.isdigit() else 0


def phone_identity(adb: Adb, properties: dict[str, str]) -> dict[str, Any]:
    """All that tells one phone from another, and in which state it is; never its serial."""

    def first(*names: str) -> str | None:
        return next((properties[name] for name in names if properties.get(name)), None)

    frequencies = _numbers(adb, "cpuinfo_max_freq")
    release = first("ro.build.version.release") or "of an unknown version"
    return {
        "cpu": " ".join(filter(None, _chip(properties))) or None,
        "cores_logical": _count(adb) or len(frequencies) or None,
        "core_mhz": [kilohertz // 1000 for kilohertz in frequencies],
        "memory_bytes": _memory(adb),
        "os": f"Android {release} (API {api_level(properties)})",
        "model": " ".join(
            filter(None, (first("ro.product.manufacturer"), first("ro.product.model")))
        ),
        "build": first("ro.build.fingerprint"),
        "abi": first("ro.product.cpu.abi"),
        "governor": _governor(adb),
        "thermal_status": heat(adb).status,
        "battery": _battery(adb),
        "load_average": load_average(adb),
    }


def load_average(adb: Adb) -> list[float] | None:
    """Processes that wanted to run in the last 1, 5 and 15 minutes; None if it is not told."""
    words = (adb.ask("cat /proc/loadavg") or "").split()[:3]
    try:
        return [round(float(word), 2) for word in words] if len(words) == 3 else None
    except ValueError:
        return None


def _chip(properties: dict[str, str]) -> tuple[str | None, str | None]:
    """Maker and name of the chip; older phones have only the name of their platform."""
    named = properties.get("ro.soc.model") or properties.get("ro.board.platform")
    return properties.get("ro.soc.manufacturer"), named or properties.get("ro.hardware")


def _battery(adb: Adb) -> dict[str, Any]:
    """Its level, temperature, and what charges it."""
    found = battery(adb)
    powered = [m[1].lower() for name in found if (m := _POWERED.match(name)) and _yes(found[name])]
    level = found.get("level", "")
    return {
        "level": int(level) if level.isdigit() else None,
        "celsius": heat(adb).celsius,
        "power": ", ".join(powered) or "battery",
    }


def _yes(value: str) -> bool:
    return value == "true"


def _numbers(adb: Adb, file: str) -> list[int]:
    """A number of each core."""
    words = (adb.shell(f"cat {_CORES}/{file}").text).split()
    return [int(word) for word in words if word.isdigit()]


def _count(adb: Adb) -> int | None:
    """How many cores there are, those that sleep included."""
    return len((adb.ask("ls -d /sys/devices/system/cpu/cpu[0-9]*") or "").split()) or None


def _governor(adb: Adb) -> str | None:
    """What decides the cores' frequencies; several if they differ."""
    words = adb.shell(f"cat {_CORES}/scaling_governor").text.split()
    return ", ".join(dict.fromkeys(words)) or None


def _memory(adb: Adb) -> int | None:
    """Bytes of memory that the system has."""
    found = re.search(r"MemTotal:\s+(\d+) kB", adb.ask("cat /proc/meminfo") or "")
    return int(found[1]) * 1024 if found else None

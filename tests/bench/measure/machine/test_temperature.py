"""How warm a processor is: of its own sensors the warmest, and nothing of a disk's."""

from types import SimpleNamespace

import psutil
import pytest

from mvmoe_bench.measure.machine.temperature import processor_celsius


def _sensors(monkeypatch, **found):
    made = {
        name: [SimpleNamespace(current=degrees) for degrees in values]
        for name, values in found.items()
    }
    monkeypatch.setattr(psutil, "sensors_temperatures", lambda: made, raising=False)


@pytest.mark.parametrize(
    ("found", "degrees"),
    [
        ({"nvme": [71], "coretemp": [48, 55, 51]}, 55),
        ({"acpitz": [27.8], "k10temp": [62.5]}, 62.5),
        ({"acpitz": [27.8], "coretemp": []}, 27.8),
        ({"nvme": [71], "iwlwifi_1": [44]}, None),
        ({}, None),
    ],
)
def test_the_processors_warmest_sensor_is_told(monkeypatch, found, degrees):
    _sensors(monkeypatch, **found)
    assert processor_celsius() == degrees


def test_a_system_without_sensors_says_nothing(monkeypatch):
    monkeypatch.delattr(psutil, "sensors_temperatures", raising=False)
    assert processor_celsius() is None

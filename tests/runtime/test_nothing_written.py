"""A program that runs bundles finds nothing of ours in its user's home afterwards."""

import os
import subprocess
import sys

from mvmoe_deploy.runtime.runners.onnx.importing import TELEMETRY_SWITCH

PREDICT = """
import sys
import numpy as np
from mvmoe_deploy import Dispatcher

with Dispatcher.open(sys.argv[1]) as dispatcher:
    shape = dispatcher.bundle.manifest.input.shape
    dispatcher.run(np.zeros((1, *shape), np.float32))
"""


def test_onnx_runtime_leaves_nothing(single, tmp_path):
    """With its telemetry: a device identifier, a database of events and a session file."""
    places = {name: tmp_path / name for name in ("HOME", "XDG_CACHE_HOME", "TMPDIR")}
    for place in places.values():
        place.mkdir()
    inherited = {name: value for name, value in os.environ.items() if name != TELEMETRY_SWITCH}
    environment = inherited | {name: str(place) for name, place in places.items()}
    subprocess.run(
        [sys.executable, "-c", PREDICT, str(single.path)], env=environment, check=True, timeout=60
    )
    assert [path for place in places.values() for path in place.rglob("*")] == []

"""Orders that phones follow."""

import threading

import numpy as np
import pytest

from mvmoe_bench.measure.phones.app_following import FollowedOrder
from mvmoe_bench.measure.schema import records as r
from mvmoe_bench.measure.schema.orders import MeasurementOrder, SubjectOrder


@pytest.fixture
def order(tmp_path):
    """An order for subjects, of whose bundles nothing but the manifest is there."""
    images = tmp_path / "images.npy"
    np.save(images, np.zeros((1, 1, 8, 8), np.float32))
    root = tmp_path / "some bundle's"
    (root / "graphs").mkdir(parents=True)
    (root / "manifest.json").write_text("{}")
    (root / "graphs" / "stem.onnx").write_bytes(bytes(range(256)))

    def make(*keys, **fields):
        subjects = tuple(
            SubjectOrder(
                key=key, kind="dispatcher", root=str(root), manifest_sha256="ab" * 32,
                target="onnx", requested=r.EngineChoice(engine="x"), threads=1, queries=(),
            )
            for key in keys
        )  # fmt: skip
        preset = r.Preset(
            name="nothing", repeats=0, queries=1, seconds=0.0, most_seconds=1.0, warmup=0,
            starts=1, stream=0, cooldown=0.0,
        )  # fmt: skip
        return MeasurementOrder(
            job="answers", kind="answers", repeat=0, preset=preset, images=str(images),
            started_ns=17, subjects=subjects, **fields,
        )  # fmt: skip

    return make


@pytest.fixture
def once_fetched(monkeypatch):
    """Lets something happen when two lines of an order were fetched; ends with the test."""
    fetched, look, waiting = threading.Event(), FollowedOrder._look, []

    def looked(self):
        state = look(self)
        if self._text.count(b"\n") >= 2:
            fetched.set()
        return state

    def happen(act):
        waiting.append(threading.Thread(target=lambda: fetched.wait(60) and act()))
        waiting[-1].start()

    monkeypatch.setattr(FollowedOrder, "_look", looked)
    yield happen
    for thread in waiting:
        thread.join(60)

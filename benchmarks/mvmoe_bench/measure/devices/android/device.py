"""The device `android`: finds phone and app, and lets the app follow one order after the other."""

import contextlib
import uuid
from collections.abc import Iterator
from functools import cached_property
from typing import Any

import msgspec

from mvmoe_bench.measure.devices.android import conditions
from mvmoe_bench.measure.devices.android.adb import Adb
from mvmoe_bench.measure.devices.android.app import DemoApp
from mvmoe_bench.measure.devices.android.following import (
    UNREADABLE,
    Ended,
    FollowedOrder,
    written,
)
from mvmoe_bench.measure.devices.android.phone import find_phone
from mvmoe_bench.measure.devices.android.phone_identity import (
    api_level,
    load_average,
    phone_identity,
    properties,
)
from mvmoe_bench.measure.devices.android.store import PhoneStore
from mvmoe_bench.measure.devices.contract import Emit, Variant
from mvmoe_bench.measure.machine.identity import commit, version_of
from mvmoe_bench.measure.schema.orders import MeasurementOrder
from mvmoe_bench.measure.schema.records import Failure, Record
from mvmoe_deploy.bundle.manifest import Target
from mvmoe_deploy.error_codes import CODES
from mvmoe_deploy.errors import UnsupportedPlatformError
from mvmoe_deploy.system.temporary import temporary_directory


class AndroidDevice:
    """The phone that adb sees. Not yet run on one: see docs/verified.md."""

    name = "android"

    def __init__(self) -> None:
        self._fixed_speed: bool | None = None

    def is_this_machine(self) -> bool:
        """No: adb is a way to another one."""
        return False

    def require(self) -> None:
        """Refuse to begin without adb, without exactly one phone, or without the app on it."""
        self._app.require()

    def identity(self) -> dict[str, Any]:
        """What the phone says of itself, and the versions of the app's engines."""
        described = self._app.description
        return {
            **phone_identity(self._adb, self._properties),
            "fixed_performance": self._fixed_speed,
            "java": described.java,
            "packages": {"mvmoe-deploy": version_of("mvmoe-deploy"), **described.packages},
            "commit": commit(),
        }

    def load_average(self) -> tuple[float, ...] | None:
        """The phone's."""
        found = load_average(self._adb)
        return None if found is None else tuple(found)

    def subjects(self) -> tuple[str, ...] | None:
        """Those that the app can make."""
        return self._app.description.subjects

    def variants(self, target: Target, *, plugins: bool) -> list[Variant]:
        """As the app says: ONNX Runtime's CPU kernels, XNNPACK and NNAPI; ExecuTorch's XNNPACK."""
        known = self._app.description.variants
        if target.format not in known:
            raise UnsupportedPlatformError(
                f"the app on the phone {self._adb.serial} runs {', '.join(known) or 'nothing'}, "
                f"and not {target.format}; give another target, or --device host"
            )
        return [
            Variant(each.requested, each.engine_options, label=each.label)
            for each in known[target.format]
        ]

    @contextlib.contextmanager
    def prepared(self) -> Iterator[None]:
        """Awake, and at a speed that it can hold where it has one; afterwards as before."""
        with conditions.steady(self._adb, api_level(self._properties)) as self._fixed_speed:
            yield

    def run(self, order: MeasurementOrder, emit: Emit) -> None:
        """Let the app follow an order; again without a subject that ends its process."""
        while order.subjects:
            ended, lines = self._followed(order, emit)
            if ended is None:
                _emit_all(lines, emit)
                return
            if ended.code == UNREADABLE and not self._store.inside:
                self._store.move_inside()
                continue
            kept = tuple(each for each in order.subjects if each.key != ended.subject)
            again = kept if ended.subject is not None else ()
            # The others are measured again; what this one has measured is all there will be.
            measured = [line for line in lines if not again or _subject(line) == ended.subject]
            _emit_all(measured, emit)
            emit(_failure(order, ended))
            order = msgspec.structs.replace(order, subjects=again)

    def _followed(self, order: MeasurementOrder, emit: Emit) -> tuple[Ended | None, list[Record]]:
        """Follow an order once, in a fresh process of the app, when the phone is cool.

        Interrupted, or without the phone, what was measured is emitted first.
        """
        conditions.cool_down(self._adb)
        name = f"adb-{uuid.uuid4().hex[:12]}"
        sent = self._store.translated(order)
        with temporary_directory() as folder:
            path = self._store.put(written(sent, folder), f"{name}.json")
        followed = FollowedOrder(self._adb, self._app, order, name)
        try:
            followed.start(path)
            ended = followed.wait()
        except BaseException:
            followed.stop()
            _emit_all(followed.lines(), emit)
            raise
        self._store.remove(f"{name}.json")
        followed.forget()
        return ended, followed.lines()

    @cached_property
    def _adb(self) -> Adb:
        """The phone, looked for once."""
        return Adb(find_phone())

    @cached_property
    def _app(self) -> DemoApp:
        return DemoApp(self._adb)

    @cached_property
    def _store(self) -> PhoneStore:
        return PhoneStore(self._adb, self._app)

    @cached_property
    def _properties(self) -> dict[str, str]:
        return properties(self._adb)


def _failure(order: MeasurementOrder, ended: Ended) -> Failure:
    """The line of a subject, or an order, that did not come to its end."""
    code = ended.code if ended.code in CODES else None
    return Failure(job=order.job, subject=ended.subject, message=ended.message, code=code)


def _emit_all(lines: list[Record], emit: Emit) -> None:
    """Pass lines on."""
    for line in lines:
        emit(line)


def _subject(line: Record) -> str | None:
    """The subject that a line is of."""
    found: str | None = getattr(line, "subject", None)
    return found

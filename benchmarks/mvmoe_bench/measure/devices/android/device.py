"""The device `android`: finds phone and app, and lets the app follow one order after the other."""

import contextlib
from collections.abc import Iterator
from functools import cached_property, partial
from typing import Any

from mvmoe_bench.measure.devices.android import conditions
from mvmoe_bench.measure.devices.android.adb import Adb
from mvmoe_bench.measure.devices.android.app import DemoApp
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
from mvmoe_bench.measure.phones.phone_files import PhoneFiles
from mvmoe_bench.measure.phones.phone_orders import PhoneOrders
from mvmoe_bench.measure.schema.orders import MeasurementOrder
from mvmoe_bench.measure.schema.records import Conditions
from mvmoe_deploy.bundle.manifest import Target


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

    def conditions(self) -> Conditions | None:
        """The phone's heat and battery."""
        return conditions.of(self._adb)

    def subjects(self) -> tuple[str, ...] | None:
        """Those that the app can make."""
        return self._app.description.subjects

    def variants(self, target: Target, *, plugins: bool) -> list[Variant]:
        """As the app says: ONNX Runtime's CPU kernels, XNNPACK and NNAPI; ExecuTorch's XNNPACK."""
        return self._app.description.variants_of(target)

    @contextlib.contextmanager
    def prepared(self) -> Iterator[None]:
        """Awake, and at a speed that it can hold where it has one; afterwards as before."""
        with conditions.steady(self._adb, api_level(self._properties)) as self._fixed_speed:
            yield

    def run(self, order: MeasurementOrder, emit: Emit) -> None:
        """Let the app follow an order; again without a subject that ends its process."""
        self._orders.run(order, emit)

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
    def _files(self) -> PhoneFiles:
        return PhoneFiles(self._store)

    @cached_property
    def _orders(self) -> PhoneOrders:
        cool_down = partial(conditions.cool_down, self._adb)
        return PhoneOrders(self._app, self._files, cool_down, self._move_inside)

    @cached_property
    def _properties(self) -> dict[str, str]:
        return properties(self._adb)

    def _move_inside(self) -> bool:
        """Give the app copies of its own; gives whether it had none."""
        if self._store.inside:
            return False
        self._store.inside = True
        self._files.look_again()
        return True

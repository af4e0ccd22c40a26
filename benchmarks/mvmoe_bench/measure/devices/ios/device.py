"""The device `ios`: finds iPhone and app, and lets the app follow one order after the other."""

import contextlib
from collections.abc import Iterator
from functools import cached_property
from typing import Any

from mvmoe_bench.measure.devices.contract import Emit, Variant
from mvmoe_bench.measure.devices.ios import conditions
from mvmoe_bench.measure.devices.ios.app import IosApp
from mvmoe_bench.measure.devices.ios.phone import Phone, find_phone
from mvmoe_bench.measure.devices.ios.speaking import PhoneLine
from mvmoe_bench.measure.machine.identity import commit, version_of
from mvmoe_bench.measure.phones.phone_files import PhoneFiles
from mvmoe_bench.measure.phones.phone_orders import PhoneOrders
from mvmoe_bench.measure.schema.orders import MeasurementOrder
from mvmoe_bench.measure.schema.records import Conditions
from mvmoe_deploy.bundle.manifest import Target


class IosDevice:
    """The iPhone that devicectl sees. Not yet run on one: see docs/verified.md."""

    name = "ios"

    def is_this_machine(self) -> bool:
        """No: devicectl is a way to another one."""
        return False

    def require(self) -> None:
        """Refuse to begin without Xcode, without exactly one phone, or without the app on it."""
        self._app.require()

    def identity(self) -> dict[str, Any]:
        """What devicectl and the app say of the phone, and the versions of the app's engines."""
        described = self._app.description
        return {
            **described.identity,
            **self._phone.identity(),
            "swift": described.swift,
            "abi": described.abi,
            "packages": {"mvmoe-deploy": version_of("mvmoe-deploy"), **described.packages},
            "commit": commit(),
        }

    def load_average(self) -> tuple[float, ...] | None:
        """iOS does not tell."""
        return None

    def conditions(self) -> Conditions | None:
        """How warm the phone is, and its battery."""
        return conditions.of(self._app.describe())

    def subjects(self) -> tuple[str, ...] | None:
        """Those that the app can make."""
        return self._app.description.subjects

    def variants(self, target: Target, *, plugins: bool) -> list[Variant]:
        """As the app says: Core ML on each choice of compute units, named as on a Mac."""
        return self._app.description.variants_of(target)

    @contextlib.contextmanager
    def prepared(self) -> Iterator[None]:
        """The app itself keeps the screen on; nothing of the phone is changed."""
        yield

    def run(self, order: MeasurementOrder, emit: Emit) -> None:
        """Let the app follow an order; again without a subject that ends its process."""
        self._orders.run(order, emit)

    def _cool_down(self) -> None:
        conditions.cool_down(self._phone.name, self._app.describe)

    @cached_property
    def _phone(self) -> Phone:
        """The phone, looked for once."""
        return find_phone()

    @cached_property
    def _app(self) -> IosApp:
        return IosApp(PhoneLine(self._phone.identifier, self._phone.name))

    @cached_property
    def _orders(self) -> PhoneOrders:
        return PhoneOrders(self._app, PhoneFiles(self._app.container), self._cool_down)

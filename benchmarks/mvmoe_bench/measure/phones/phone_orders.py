"""Orders on a phone: each in a fresh process of the app, again without what ends that process."""

import contextlib
import uuid
from collections.abc import Callable, Iterator

import msgspec

from mvmoe_bench.measure.devices.contract import Emit
from mvmoe_bench.measure.phones.app_following import Ended, FollowedOrder, written
from mvmoe_bench.measure.phones.link import AppLink
from mvmoe_bench.measure.phones.phone_files import PhoneFiles
from mvmoe_bench.measure.schema.orders import MeasurementOrder
from mvmoe_bench.measure.schema.records import Failure, Record
from mvmoe_deploy.error_codes import CODES
from mvmoe_deploy.system.temporary import temporary_directory

UNREADABLE = "bench.unreadable"
"""The app's word for files of an order that it may not read."""


class PhoneOrders:
    """Lets the app behind a link follow orders.

    `cool_down` waits until the phone is cool; `make_readable` is called where the app may not read
    what was brought: it gives whether another try is worth it.
    """

    def __init__(
        self,
        link: AppLink,
        files: PhoneFiles,
        cool_down: Callable[[], None],
        make_readable: Callable[[], bool] = lambda: False,
    ) -> None:
        self._link = link
        self._files = files
        self._cool_down = cool_down
        self._make_readable = make_readable

    def run(self, order: MeasurementOrder, emit: Emit) -> None:
        """Follow an order; again without a subject that ends the app's process."""
        while order.subjects:
            ended, lines = self._followed(order, emit)
            if ended is None:
                _emit_all(lines, emit)
                return
            if ended.code == UNREADABLE and self._make_readable():
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
        self._cool_down()
        name = f"order-{uuid.uuid4().hex[:12]}"
        with self._brought(order, name) as path:
            followed = FollowedOrder(self._link, order, name)
            try:
                followed.start(path)
                ended = followed.wait()
            except BaseException:
                followed.stop()
                _emit_all(followed.lines(), emit)
                raise
        followed.forget()
        return ended, followed.lines()

    @contextlib.contextmanager
    def _brought(self, order: MeasurementOrder, name: str) -> Iterator[str]:
        """The path of the order on the phone, with all that it names; removed if all goes well."""
        sent = self._files.translated(order)
        with temporary_directory() as folder:
            path = self._files.put(written(sent, folder), f"{name}.json")
        yield path
        self._files.remove(f"{name}.json")


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

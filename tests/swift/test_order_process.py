"""An order in a process of its own, and what ends it."""

import pytest
import swift_runner
from order_process import OrderProcess

pytestmark = pytest.mark.skipif(
    bool(swift_runner.LACKS), reason=f"this machine lacks {swift_runner.LACKS}"
)


class TestSwift(OrderProcess):
    """The Swift runner follows an order of ten minutes."""

    runner = swift_runner

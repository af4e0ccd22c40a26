"""An order in a folder, as an app follows it that nobody holds a pipe to."""

import pytest
import swift_runner
from orders_in_folder import OrdersInFolder

pytestmark = pytest.mark.skipif(
    bool(swift_runner.LACKS), reason=f"this machine lacks {swift_runner.LACKS}"
)


class TestSwift(OrdersInFolder):
    """The Swift runner in an app's place."""

    runner = swift_runner

"""An iPhone behind Xcode's devicectl: the app of `ios_demo/` follows the orders.

`devicectl.py` calls the program, `phone.py` finds the iPhone, `app.py` installs and starts the app
and fetches its files, `container.py` brings bundles and images there. See docs/ios.md.
"""

from mvmoe_bench.measure.devices.ios.device import IosDevice

PART = IosDevice

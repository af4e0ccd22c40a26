"""A phone behind adb: the app of `android_demo/` follows the orders, and gives lines back.

`phone.py` finds it, `adb.py` speaks to it, `app.py` starts the app and reads its files, `store.py`
brings bundles and images there, `conditions.py` keeps it awake, even and cool. See docs/android.md.
"""

from mvmoe_bench.measure.devices.android.device import AndroidDevice

PART = AndroidDevice

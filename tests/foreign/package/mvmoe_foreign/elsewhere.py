"""Device `elsewhere`: this machine under another name."""

from mvmoe_bench.measure.devices.host import HostDevice


class Elsewhere(HostDevice):
    """This machine."""

    name = "elsewhere"


PART = Elsewhere

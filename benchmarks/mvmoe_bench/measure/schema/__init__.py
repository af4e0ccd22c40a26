"""The data of a measurement: orders to a device, lines of a results file."""

"""The commands of `mvmoe` whose work is done by the exporter, one file each."""

"""The commands of `mvmoe` whose work is done by this package, one file each."""

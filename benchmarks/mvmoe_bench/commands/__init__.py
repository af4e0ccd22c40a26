"""The commands of `mvmoe` whose work is done by the benchmarks, one file each."""

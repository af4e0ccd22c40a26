"""What the Kotlin dispatcher adds to its graphs: microseconds above the same graphs alone.

`python -m own_standing.kotlin_host_time BUNDLE [TARGET]`; `make kotlin-runner` builds what it
starts.
"""

from own_standing.runner_timing import print_host_time

if __name__ == "__main__":
    print_host_time("jvm")

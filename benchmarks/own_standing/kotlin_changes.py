"""What a change of expert adds to an answer of the Kotlin dispatcher.

`python -m own_standing.kotlin_changes BUNDLE [TARGET [EXPERTS-IN-MEMORY]]`; `make kotlin-runner`
builds what it starts.
"""

from own_standing.runner_timing import print_changes

if __name__ == "__main__":
    print_changes("jvm")

"""How long a picture takes to become the model's input: the Swift library beside Pillow.

`python -m own_standing.swift_preprocessing`; `make swift-runner` builds what it starts.
"""

from own_standing.runner_preprocessing import print_table

if __name__ == "__main__":
    print_table("swift")

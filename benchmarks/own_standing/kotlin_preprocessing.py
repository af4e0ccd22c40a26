"""How long a picture takes to become the model's input: the Kotlin library beside Pillow.

`python -m own_standing.kotlin_preprocessing`; `make kotlin-runner` builds what it starts.
"""

from own_standing.runner_preprocessing import print_table

if __name__ == "__main__":
    print_table("jvm")

"""What the operating system does for the rest: files, processes, signals, limits, the terminal."""

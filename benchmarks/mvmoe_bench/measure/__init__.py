"""Measuring: orders, the processes that follow them, and the lines they give back."""

"""Whether a bundle does as PyTorch, or as its golden vectors, say: NumPy only."""

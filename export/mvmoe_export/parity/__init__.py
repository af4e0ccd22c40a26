"""What proves that a target does as PyTorch does."""

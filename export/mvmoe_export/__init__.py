"""mvmoe_export: from a routed PyTorch model to a bundle. Importing it imports PyTorch."""

"""The runtime: the dispatcher, residency of experts, and one runner per engine."""

"""mvmoe_bench: what routing costs, measured. Importing it imports no engine."""

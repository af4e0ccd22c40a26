"""What is known of engines: one rule a file, found by its name (see `mvmoe_deploy.part_lookup`)."""

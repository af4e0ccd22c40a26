"""What is known of the machine and of this process on it."""

"""Parts of another distribution, one module each."""

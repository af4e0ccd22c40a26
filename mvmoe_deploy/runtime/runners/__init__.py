"""One file per engine; none is imported before a bundle is opened with its target."""

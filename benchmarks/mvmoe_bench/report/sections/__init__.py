"""The sections of a report, one folder each: its figures and how they are shown."""

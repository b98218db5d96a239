"""Models on this disk: the program's own, and those that were dropped or opened."""

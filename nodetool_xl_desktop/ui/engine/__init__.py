"""The engine: which one runs, what it computes on, and others to install."""

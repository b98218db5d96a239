"""The chat as it is read."""

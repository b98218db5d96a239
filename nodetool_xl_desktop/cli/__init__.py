"""The commands that need no window: ask, fit, doctor. Nothing here imports Qt, so that they start at once."""

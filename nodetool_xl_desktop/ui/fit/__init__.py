"""Whether a model fits, and how it is loaded."""

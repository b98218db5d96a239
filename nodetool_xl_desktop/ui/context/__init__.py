"""What of the context is taken, and what to do where it is not enough."""

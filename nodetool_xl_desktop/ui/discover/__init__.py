"""Discover: models on a hub, what they would be on this machine, and the way here."""

"""The page of the settings, and what they do in the window."""

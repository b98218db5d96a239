"""Running models: each in a child process of its own, spoken to over loopback."""

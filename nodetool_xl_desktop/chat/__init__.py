"""Conversations: what was said, and how an answer comes to be."""

"""Chats as files, as a person asks for it."""

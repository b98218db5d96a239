"""Chats as files: into other programs' forms, and out of them."""

"""Markdown read into leaves, and leaves written as Markdown, HTML and plain text; no Qt."""

"""Markdown as it is drawn: read into leaves without Qt, each laid out and painted by itself."""

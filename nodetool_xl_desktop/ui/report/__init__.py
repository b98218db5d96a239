"""Bugs, the report of them, the doctor, and what this program is: the dialogs of the Help menu."""

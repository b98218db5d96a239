"""System prompts and sampling, as they are set."""

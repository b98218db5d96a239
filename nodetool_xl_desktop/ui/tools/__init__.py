"""Tools: which the model may call in a chat, where they come from, and what they were allowed."""

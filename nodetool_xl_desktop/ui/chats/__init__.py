"""The list of chats, and the search over them."""

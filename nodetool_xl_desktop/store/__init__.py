"""The chats on the disk, and the only way to them."""

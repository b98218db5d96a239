"""Downloads in the window: the page, the foot of the side bar, the tray, and what goes on between them."""

"""What the buttons of Discover's notices are called, by which their presses are told apart."""

TRY_AGAIN = "Try Again"
GO_ON_LINE = "Go On Line"
GIVE_TOKEN = "Access Token ..."

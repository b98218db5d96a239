"""What the buttons of Discover's notices are called, by which their presses are told apart."""

from nodetool_xl_desktop.core.translation import tr

TRY_AGAIN = tr("Try Again")
GO_ON_LINE = tr("Go On Line")
GIVE_TOKEN = tr("Access Token ...")

"""NodeTool XL Desktop: chat with language models that run on your own machine."""

import logging

__version__ = "0.1.0"

# As a library it says nothing unless its caller asks for its log: an error carries what a person needs to know.
logging.getLogger(__name__).addHandler(logging.NullHandler())

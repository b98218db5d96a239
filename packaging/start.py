"""The first lines of the frozen program: what the bootloader put into the environment for this process is not meant for
the programs that this one starts (MCP servers, a browser, the file manager)."""

import os
import sys


def _give_back(name: str) -> None:
    """Undo what PyInstaller's bootloader did to a variable: it keeps the person's own value beside it."""
    own = os.environ.pop(f"{name}_ORIG", None)
    if own is not None:
        os.environ[name] = own
    else:
        os.environ.pop(name, None)


if __name__ == "__main__":
    if sys.platform == "linux":
        _give_back("LD_LIBRARY_PATH")
    from nodetool_xl_desktop.__main__ import main

    sys.exit(main())

"""A program that opens a store and writes one chat, and says as JSON what came of it.

    python tests/chat_opener.py FOLDER [nobody]

With `nobody` it gives up the powers of root first, to which a folder that may not be written means nothing.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
from pathlib import Path

from nodetool_xl_desktop.store.errors import StoreError
from nodetool_xl_desktop.store.store import Store


async def main(folder: Path) -> None:
    try:
        store = await Store.open(folder, patience_s=0.3)
        await store.list.new("a chat")
        await store.close()
    except StoreError as error:
        print(json.dumps({"fault": error.fault, "what": error.what, "why": error.why, "hint": error.hint}))
    else:
        print(json.dumps({"fault": ""}))


if __name__ == "__main__":
    if sys.argv[2:] == ["nobody"] and os.geteuid() == 0:
        os.setgroups([])
        os.setresgid(65534, 65534, 65534)
        os.setresuid(65534, 65534, 65534)
    asyncio.run(main(Path(sys.argv[1])))

"""Keeps PySide from reading the source of every module that is imported.

PySide looks for its own name in each of them, to see whether `from __feature__ import ...` could matter there, and
Python keeps what it has read that way: 15 MiB of source texts, and a tenth of the start. No module here has features.
"""

from __future__ import annotations

import sys

import PySide6.QtCore  # noqa: F401 - brings what is looked for


def leave_unread() -> None:
    """Have PySide take every module that is imported from now on for one that speaks of it.

    WORKAROUND: PySide6 6.11 asks `inspect.getsource`, and has no switch. The answer is the one that it gives itself
    where there are no sources, as in the frozen program. A version without this question is left as it is.
    """
    feature = sys.modules.get("PySide6.support.feature")
    if feature is not None and hasattr(feature, "_mod_uses_pyside"):
        vars(feature)["_mod_uses_pyside"] = lambda _module: True

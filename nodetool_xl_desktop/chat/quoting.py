"""How a text file is put into a message: named, and in a fence that nothing inside it can close."""

from __future__ import annotations

import re
from pathlib import PurePath

#: What Markdown calls the language of a file, by the end of its name; of others the fence names none.
LANGUAGES = {
    ".bash": "bash", ".bat": "bat", ".c": "c", ".cc": "cpp", ".clj": "clojure", ".cpp": "cpp", ".cs": "csharp",
    ".css": "css", ".csv": "csv", ".dart": "dart", ".diff": "diff", ".ex": "elixir", ".exs": "elixir",
    ".go": "go", ".h": "c", ".hpp": "cpp", ".hs": "haskell", ".htm": "html", ".html": "html", ".ini": "ini",
    ".ipynb": "json", ".java": "java", ".jl": "julia", ".js": "javascript", ".json": "json", ".jsonl": "json",
    ".jsx": "jsx", ".kt": "kotlin", ".lua": "lua", ".m": "matlab", ".md": "markdown", ".mjs": "javascript",
    ".patch": "diff", ".php": "php", ".pl": "perl", ".proto": "protobuf", ".ps1": "powershell", ".py": "python",
    ".pyi": "python", ".r": "r", ".rb": "ruby", ".rs": "rust", ".scala": "scala", ".scss": "scss", ".sh": "bash",
    ".sql": "sql", ".svg": "xml", ".swift": "swift", ".tex": "latex", ".toml": "toml", ".ts": "typescript",
    ".tsx": "tsx", ".vue": "vue", ".xml": "xml", ".yaml": "yaml", ".yml": "yaml", ".zig": "zig",
}  # fmt: skip
_BY_NAME = {"dockerfile": "dockerfile", "makefile": "makefile", "cmakelists.txt": "cmake"}


def language(name: str) -> str:
    """What a fence calls the language of a file of this name; empty where it is prose, or not known."""
    path = PurePath(name.lower())
    return _BY_NAME.get(path.name) or LANGUAGES.get(path.suffix, "")


def quoted(name: str, text: str) -> str:
    """A file as a block of Markdown, for a model to read.

    Args:
        name: the file's; it stands on the line above.
        text: what it holds. The fence is longer than any within.
    """
    longest = max((len(run) for run in re.findall("`{3,}", text)), default=2)
    fence = "`" * (longest + 1)
    end = "" if text.endswith("\n") else "\n"
    return f"{' '.join(name.split())}:\n\n{fence}{language(name)}\n{text}{end}{fence}"

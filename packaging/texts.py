"""The texts of the program for its translators: `make texts` runs this.

Collects what stands in `tr`, `trn` and `mark`, and what picks.json says that models are good for, into
`resources/translations/messages.pot`, brings each language's .po up to date with it and compiles it. The same sources
give the same bytes, on every machine and day: `tests/test_texts.py` compares. What a text says is explained to
translators by a comment that begins with `Translators:`.
"""

from __future__ import annotations

import io
import json
import sys
from datetime import UTC, datetime
from pathlib import Path

from babel.messages.catalog import Catalog
from babel.messages.extract import extract_from_dir
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po, write_po

ROOT = Path(__file__).parents[1]
SOURCES = ROOT / "nodetool_xl_desktop"
FOLDER = ROOT / "resources" / "translations"
TEMPLATE = FOLDER / "messages.pot"
#: Its texts are no Python: each `task` and `about`.
PICKS = ROOT / "resources" / "picks.json"
KEYWORDS = {"tr": (1,), "trn": (1, 2), "mark": (1,)}
#: Lines of a head that would be others each day.
CHANGING = ("POT-Creation-Date", "PO-Revision-Date", "Generated-By", "Last-Translator", "Language-Team", "Report-Msgid")
#: A compiled catalogue names the day of its template; which one does not matter.
NO_DAY = datetime(2000, 1, 1, tzinfo=UTC)


def collected() -> Catalog:
    """All texts of the sources, by file and in the order in which they stand there."""
    found = Catalog(project="nodetool-xl-desktop", fuzzy=False, header_comment="# Texts of NodeTool XL Desktop.")
    files = extract_from_dir(SOURCES, keywords=KEYWORDS, comment_tags=("Translators:",), strip_comment_tags=True)
    for name, _line, message, comments, context in sorted(files, key=lambda found: (Path(found[0]).parts, found[1])):
        place = ("nodetool_xl_desktop/" + Path(name).as_posix(), 0)
        entry = found.add(message, locations=[place], auto_comments=comments, context=context)
        entry.flags.discard("python-format")  # a percent sign is one
    for pick in json.loads(PICKS.read_text("utf-8"))["models"]:
        for text in (pick["task"], pick["about"]):
            found.add(text, locations=[("resources/picks.json", 0)])
    return found


def read(file: Path, language: str | None = None) -> Catalog:
    """A .po or .pot."""
    with file.open("rb") as opened:
        return read_po(opened, locale=language)


def brought_up_to_date(file: Path, template: Catalog) -> Catalog:
    """A language's catalogue with the texts of `template`: what is gone leaves it, what has changed is fuzzy."""
    language = file.stem
    catalogue = read(file, language) if file.exists() else Catalog(locale=language)
    catalogue.update(template)
    catalogue.obsolete.clear()
    catalogue.fuzzy = False
    catalogue.header_comment, catalogue.project = template.header_comment, template.project
    return catalogue


def written(catalogue: Catalog) -> bytes:
    """As a .po, without the day and the machine it was made on."""
    out = io.BytesIO()
    write_po(out, catalogue, width=110, include_lineno=False)
    lines = out.getvalue().decode("utf-8").splitlines()
    kept = [line for line in lines if not line.startswith(tuple(f'"{name}' for name in CHANGING))]
    return "\n".join([*kept, ""]).encode("utf-8")


def compiled(po: bytes, language: str) -> bytes:
    """A .po as a .mo; texts that are fuzzy, or that nobody translated, are not in it and appear in English."""
    catalogue = read_po(io.BytesIO(po), locale=language)
    catalogue.creation_date = catalogue.revision_date = NO_DAY
    out = io.BytesIO()
    write_mo(out, catalogue)
    return out.getvalue()


def main() -> None:
    """Write the template and all languages."""
    FOLDER.mkdir(exist_ok=True)
    template = collected()
    TEMPLATE.write_bytes(written(template))
    print(f"{len(template)} texts in {TEMPLATE.relative_to(ROOT)}")
    for file in sorted({*FOLDER.glob("*.po"), *(FOLDER / f"{code}.po" for code in sys.argv[1:])}):
        catalogue = brought_up_to_date(file, template)
        po = written(catalogue)
        file.write_bytes(po)
        file.with_suffix(".mo").write_bytes(compiled(po, file.stem))
        done = sum(
            1 for message in catalogue if message.id and message.string and all(message.string) and not message.fuzzy
        )
        print(f"{file.stem}: {done} of {len(template)} translated")


if __name__ == "__main__":
    main()

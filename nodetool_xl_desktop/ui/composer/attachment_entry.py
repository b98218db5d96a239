"""One attachment of the message that is being written, and what its chip says of it."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from pathlib import Path

from nodetool_xl_desktop.chat import attaching
from nodetool_xl_desktop.core import units
from nodetool_xl_desktop.core.translation import number, tr, trn
from nodetool_xl_desktop.provider.tokens import TOKENS_PER_IMAGE
from nodetool_xl_desktop.provider.values import TokenCount
from nodetool_xl_desktop.store.parts import Attachment
from nodetool_xl_desktop.ui.composer.attachment_chips import Chip
from nodetool_xl_desktop.ui.composer.attachment_reading import Loaded


@dataclass(eq=False, slots=True)
class Attached:
    """One attachment.

    Attributes:
        name: as the person knows it.
        chip: what shows it.
        place: the draft it belongs to.
        path: where it came from; None of a paste.
        part: what goes into the message; None while the store has not got it.
        ready: whether it was read.
        facts: how large it is.
        tokens: what it costs; None while that is counted.
        task: what reads it.
    """

    name: str
    chip: Chip
    place: str
    path: Path | None = None
    part: Attachment | None = None
    ready: bool = False
    facts: str = ""
    tokens: TokenCount | None = None
    task: asyncio.Task[None] | None = None

    @property
    def can_come_back(self) -> bool:
        """Whether its removal can be undone."""
        return self.part is not None or self.path is not None

    def take(self, part: Attachment, loaded: Loaded) -> None:
        """It is read and kept."""
        self.part, self.ready, self.facts = part, True, units.file_size(part.size)
        text = loaded.material.text
        if loaded.picture is not None and loaded.size is not None:
            self.facts = number(f"{loaded.size.width():,} \N{MULTIPLICATION SIGN} {loaded.size.height():,}")
            self.chip.show_picture(loaded.picture)
        elif attaching.is_pasted(part) and text is not None:
            self.facts = trn("{count} character", "{count:,} characters", len(text))

    def show(self, can_see: bool) -> None:
        """Say on its chip what it is and what it costs.

        Args:
            can_see: whether the model can see pictures.
        """
        if self.part is None or not self.ready:
            return
        is_picture, cost = attaching.is_picture(self.part), ""
        if is_picture:
            cost = (
                tr("at least {tokens_per_image}", tokens_per_image=units.tokens(TOKENS_PER_IMAGE))
                if can_see
                else tr("the model cannot see it")
            )
        elif self.tokens is not None:
            tokens = units.tokens(self.tokens)
            cost = tokens if self.tokens.exact else tr("about {tokens}", tokens=tokens)
        size = units.file_size(self.part.size)
        tip = "\n".join(filter(None, [self.name, size if self.facts == size else f"{self.facts}, {size}", cost]))
        facts = " · ".join(filter(None, [self.facts, cost]))
        self.chip.show_facts(self.name, facts, tip, problem=is_picture and not can_see)

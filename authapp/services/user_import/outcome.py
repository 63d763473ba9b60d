"""What a batch of an import has done."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

from authapp.services.user_import.lines import Line, OrganizationLine, Wanted


@dataclass
class Outcome:
    """What a batch has done, to be counted once it is committed.

    Attributes:
        counts: what was created, and what was there already.
        refused: the lines that were not imported, or not wholly, each with the reason.
        postponed: memberships of organizations that wait.
        waiting: by slug the organizations that will be created with their first admin.
    """

    waiting: dict[str, OrganizationLine]
    counts: Counter[str] = field(default_factory=Counter)
    refused: list[tuple[Line, str]] = field(default_factory=list)
    postponed: list[Wanted] = field(default_factory=list)

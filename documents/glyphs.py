"""Whether the fonts of this server can write a paper: asked before it takes its number.

A letter that no font has is drawn as an empty box, on an invoice that cannot be changed any more. So a paper that
needs such a letter is not made, and says which. A pictograph is decoration: one that no font has is left out.
"""

from __future__ import annotations

import html
import re
import subprocess
import time
import unicodedata
from bisect import bisect_right
from typing import Any

from django.core import checks
from django.utils.translation import gettext as _

from crm.ground.sentences import said
from crm.messages.merge_text import MergeError
from documents.drawing import font_config

# Scripts that a company meets sooner or later, by two letters of each.
SCRIPTS = {
    "Latin": "Ażọ", "Cyrillic": "Жї", "Greek": "Ωψ", "Arabic": "عم", "Hebrew": "אש", "Thai": "กข",
    "Chinese": "汉語", "Japanese": "あ田", "Korean": "한글",
}  # fmt: skip
KNOWN_SECONDS = 300  # after that somebody may have installed fonts
MOST_NAMED = 12
_HIDDEN = re.compile(r"<(style|script|title|head)\b.*?</\1\s*>|<!--.*?-->|<[^>]*>", re.DOTALL | re.IGNORECASE)


class Coverage:
    """The characters that at least one font of the renderer has, as fontconfig knows them."""

    def __init__(self, charsets: str) -> None:
        """Args: charsets: a line a font, of hexadecimal ranges: "20-7e a0-17f 20ac"."""
        spans = sorted(
            (int(first, 16), int(last or first, 16))
            for first, _dash, last in (span.partition("-") for span in charsets.split())
        )
        self._starts: list[int] = []
        self._ends: list[int] = []
        for first, last in spans:
            if self._ends and first <= self._ends[-1] + 1:
                self._ends[-1] = max(self._ends[-1], last)
            else:
                self._starts.append(first)
                self._ends.append(last)

    def __contains__(self, character: str) -> bool:
        place = bisect_right(self._starts, ord(character)) - 1
        return place >= 0 and ord(character) <= self._ends[place]

    def __bool__(self) -> bool:
        return bool(self._starts)


_known: tuple[float, Coverage] | None = None


def coverage() -> Coverage:
    """Of now, or of the last minutes. Empty where fontconfig's own tool is missing: then nothing is judged."""
    global _known
    if _known is None or time.monotonic() - _known[0] > KNOWN_SECONDS:
        environment = {"PATH": "/usr/bin:/bin:/usr/local/bin", "LANG": "C.UTF-8", "FONTCONFIG_FILE": str(font_config())}
        try:
            asked = ["fc-list", "--format", "%{charset}\n"]
            told = subprocess.run(asked, env=environment, capture_output=True, text=True, timeout=20, check=True).stdout
        except (OSError, subprocess.SubprocessError):
            told = ""
        _known = time.monotonic(), Coverage(told)
    return _known[1]


def missing(text: str) -> list[str]:
    """Characters of a text that no font has, each once, in their order; what is never drawn is not among them."""
    known = coverage()
    if not known:
        return []
    return [one for one in dict.fromkeys(text) if one > "~" and one not in known and not _is_unseen(one)]


def _is_unseen(character: str) -> bool:
    """Blanks, joiners, direction marks and the selectors of a letter's variant."""
    is_selector = "\ufe00" <= character <= "\ufe0f" or "\U000e0100" <= character <= "\U000e01ef"
    return is_selector or unicodedata.category(character) in ("Zs", "Zl", "Zp", "Cc", "Cf")


def writable(page: str) -> str:
    """A filled page without the pictographs that no font has.

    Raises MergeError naming the letters that the fonts of this server lack.
    """
    lacking = missing(html.unescape(_HIDDEN.sub(" ", page)))
    pictographs = [one for one in lacking if unicodedata.category(one) in ("So", "Sk")]
    letters = [one for one in lacking if one not in pictographs]
    if letters:
        words = {"letters": " ".join(letters[:MOST_NAMED]) + (" …" if len(letters) > MOST_NAMED else "")}
        sentence = said("paper.letters", "The fonts of this server lack these letters: %(letters)s")
        raise MergeError(sentence % words)
    return page.translate({ord(one): None for one in pictographs})


@checks.register
def fonts_are_there(app_configs: Any, **more: Any) -> list[checks.CheckMessage]:
    """Said when the server starts, not first by the paper of a customer with such a name."""
    known = coverage()
    lacking = [name for name, letters in SCRIPTS.items() if known and any(one not in known for one in letters)]
    if not lacking:
        return []
    hint = _("Debian and Ubuntu have them in the packages fonts-noto-core and fonts-noto-cjk.")
    sentence = _("No font here can write %(scripts)s: papers with such names are not made.")
    return [checks.Warning(sentence % {"scripts": ", ".join(lacking)}, hint=hint, id="documents.W001")]

"""Icons of our sprite, by name."""

from __future__ import annotations

import re
from functools import cache

from django.conf import settings


@cache
def known_icons() -> frozenset[str]:
    sprite = settings.BASE_DIR / "static" / "vendor" / "icons.svg"
    return frozenset(re.findall(r'<symbol id="([^"]+)"', sprite.read_text(encoding="utf-8")))

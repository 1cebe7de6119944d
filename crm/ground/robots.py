"""Programs that look at addresses before, or instead of, people: by what they call themselves."""

from __future__ import annotations

import re

from django.http import HttpRequest

# Mail services that fetch a mail's pictures for its reader: somebody probably opened it.
PROXIES = re.compile(r"googleimageproxy|yahoomailproxy|ggpht\.com", re.IGNORECASE)
# Link checkers of mail systems, makers of previews, fetchers.
ROBOTS = re.compile(
    r"bot\b|bot/|crawl|spider|preview|scan|facebookexternalhit|whatsapp|telegram|slack|skype|viber|discord|linkedin|"
    r"embedly|pinterest|curl|wget|python|java/|go-http|okhttp|axios|node-fetch|headless|phantom|monitor|validator|"
    r"safelinks|proofpoint|mimecast|barracuda|trendmicro|symantec|fireeye|feedfetcher",
    re.IGNORECASE,
)


def is_proxy(request: HttpRequest) -> bool:
    return bool(PROXIES.search(request.headers.get("User-Agent", "")))


def is_robot(request: HttpRequest) -> bool:
    """Calls itself one, nothing at all, or says that it looks ahead; a proxy of pictures shows no page to anybody."""
    agent = request.headers.get("User-Agent", "")
    ahead = "".join(request.headers.get(name, "") for name in ("Sec-Purpose", "Purpose", "X-Moz"))
    return not agent or bool(ROBOTS.search(agent)) or "prefetch" in ahead or "preview" in ahead

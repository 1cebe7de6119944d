"""What was not done, and why: refusals that pages, API and rules tell by their sentence."""

from __future__ import annotations

from typing import Any

from crm.ground.sentences import spoken


class Refused(Exception):
    """Something that was not done. `sentence` is for people; `status` is the HTTP answer; nothing was changed."""

    status = 422
    code = "refused"

    def __init__(self, sentence: Any) -> None:
        self.sentence = spoken(sentence)
        super().__init__(self.sentence)


class Forbidden(Refused):
    status, code = 403, "forbidden"


class Gone(Refused):
    status, code = 410, "gone"

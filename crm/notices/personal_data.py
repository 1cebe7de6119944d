"""Personal data in what the house tells itself: notices about their cards, posts that name them."""

from __future__ import annotations

import re
from typing import Any

from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from crm import slots
from crm.items.erasure import PersonalData, Subject
from crm.items.personal_data import DELETED
from crm.notices.models.feed import Post, PostFile
from crm.notices.models.notifications import Notification


def _spoken_names(subject: Subject) -> list[str]:
    """What of theirs a colleague may have written: addresses, numbers, the full name if it is more than one word."""
    name = subject.name.strip()
    return [*subject.emails, *subject.numbers, *([name] if len(name) > 5 and " " in name else [])]


def _naming(subject: Subject, column: str) -> Q:
    found = Q(pk=0)
    for word in _spoken_names(subject):
        found |= Q(**{f"{column}__icontains": word})
    return found


def _posts(subject: Subject) -> Any:
    return Post.objects.filter(_naming(subject, "text") | _naming(subject, "title") | Q(item__in=subject.items))


class PostsThatName(PersonalData):
    """The words of a colleague stay, the customer's name and addresses in them do not."""

    def erase(self, subject: Subject) -> tuple[int, list[tuple[Any, str]]]:
        rows = list(self.rows(subject))
        names = re.compile("|".join(re.escape(word) for word in _spoken_names(subject)) or "$.", re.IGNORECASE)
        for row in rows:
            row.text, row.title = names.sub("—", row.text), names.sub("—", row.title)
        Post.objects.bulk_update(rows, ["text", "title"])
        return len(rows), []


slots.personal_data.register(
    PersonalData(
        _("files"),
        DELETED,
        lambda subject: PostFile.objects.filter(post__in=_posts(subject).order_by().values("pk")),
        files=("file",),
    )
)
slots.personal_data.register(
    PersonalData(
        _("notices"),
        DELETED,
        lambda subject: Notification.objects.filter(Q(item__in=subject.items) | _naming(subject, "text")),
    )
)
slots.personal_data.register(PostsThatName(_("posts that name them"), _("kept without the name"), _posts))

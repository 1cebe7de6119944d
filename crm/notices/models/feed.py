"""What the company tells itself: posts and the answers below them."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _

from crm.ground import clock
from crm.people.models import User


class Post(models.Model):
    author = models.ForeignKey(User, models.CASCADE, related_name="posts", verbose_name=_("author"))
    # Answers stand one level deep below their post.
    parent = models.ForeignKey("self", models.CASCADE, null=True, blank=True, related_name="answers")
    text = models.TextField(_("text"))
    created_at = models.DateTimeField(default=clock.now)

    class Meta:
        verbose_name = _("post")
        verbose_name_plural = _("posts")
        indexes = [models.Index(fields=["parent", "-created_at"], name="feed_order")]

    def __str__(self) -> str:
        return self.text[:60]

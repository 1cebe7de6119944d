"""What the company tells itself: posts and the answers below them, to everybody or to some."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Self

from django.db import models, transaction
from django.utils.translation import gettext_lazy as _

from crm.company.models import Department
from crm.events.notice import notify
from crm.ground import clock
from crm.ground.sentences import said
from crm.items import mentions
from crm.items.models.items import Item
from crm.messages.models.files import random_place
from crm.people.models import User


class PostQuerySet(models.QuerySet["Post"]):
    def visible_to(self, user: User) -> Self:
        """Posts (not answers, which go with theirs) to everybody, to the person or the department, and one's own."""
        mine = models.Q(author=user) | models.Q(people=user) | models.Q(departments=user.department_id or 0)
        found = self.filter(parent=None).filter(models.Q(everybody=True) | models.Q(pk__in=Post.objects.filter(mine)))
        return found


class Post(models.Model):
    is_new = False  # set by a page for its reader
    author = models.ForeignKey(User, models.CASCADE, related_name="posts", verbose_name=_("author"))
    # Answers stand one level deep below their post, and are read by its readers.
    parent = models.ForeignKey("self", models.CASCADE, null=True, blank=True, related_name="answers")
    title = models.CharField(_("title"), max_length=200, blank=True)
    text = models.TextField(_("text"))
    everybody = models.BooleanField(_("to everybody"), default=True)
    people = models.ManyToManyField(User, blank=True, related_name="+", verbose_name=_("people"))
    departments = models.ManyToManyField(Department, blank=True, related_name="+", verbose_name=_("departments"))
    # The card that a rule wrote it about.
    item = models.ForeignKey(Item, models.SET_NULL, null=True, blank=True, related_name="+", editable=False)
    # "rule:12" where a rule wrote it.
    origin = models.CharField(max_length=40, blank=True, editable=False)
    created_at = models.DateTimeField(default=clock.now)

    objects = PostQuerySet.as_manager()

    class Meta:
        verbose_name = _("post")
        verbose_name_plural = _("posts")
        indexes = [models.Index(fields=["parent", "-created_at"], name="feed_order")]

    def __str__(self) -> str:
        return self.title or self.text[:60]

    @classmethod
    def write(
        cls,
        author: User,
        text: str,
        *,
        title: str = "",
        parent: Post | None = None,
        people: Iterable[User] = (),
        departments: Iterable[Department] = (),
        files: Iterable[tuple[Any, str, str]] = (),
        origin: str = "",
        item: Item | None = None,
    ) -> Post:
        """A post, or an answer to one; told to those it is addressed to, who is named, and whose post is answered.

        Args:
            people, departments: who reads it; none: everybody. An answer has its post's readers.
            files: (file, plain name, kind), checked.
        """
        some, whole = list(people), list(departments)
        with transaction.atomic():
            post = cls.objects.create(
                author=author,
                parent=parent,
                title=title[:200],
                text=text,
                everybody=not (some or whole),
                origin=origin,
                item=item,
            )
            post.people.set(some)
            post.departments.set(whole)
            for file, name, kind in files:
                PostFile.objects.create(post=post, file=file, name=name, kind=kind, size=file.size)
            post._tell()
        return post

    def readers(self) -> models.QuerySet[User]:
        """Who may read it, the author included."""
        top = self.parent or self
        active = User.objects.filter(is_active=True)
        if top.everybody:
            return active
        named = models.Q(pk=top.author_id) | models.Q(pk__in=top.people.values("pk"))
        return active.filter(named | models.Q(department__in=top.departments.values("pk")))

    def _tell(self) -> None:
        """Nobody hears of a post that is not for them."""
        told = {person.pk: person for person in mentions.mentioned(self.text)}
        if self.parent is not None:
            told.setdefault(self.parent.author_id, self.parent.author)
        elif not self.everybody:
            told |= {person.pk: person for person in self.readers()}
        readers = set(self.readers().filter(pk__in=told).values_list("pk", flat=True))
        people = [person for pk, person in told.items() if pk in readers and pk != self.author_id]
        text = said("notice.feed", "%(who)s in the feed: %(text)s")
        notify(people, text % {"who": self.author.name, "text": str(self)[:200]}, kind="mention", sender=self.author)


class PostFile(models.Model):
    post = models.ForeignKey(Post, models.CASCADE, related_name="files")
    file = models.FileField(upload_to=random_place)
    name = models.CharField(_("name"), max_length=200)
    kind = models.CharField(_("kind"), max_length=100)
    size = models.PositiveIntegerField(_("size"))

    class Meta:
        verbose_name = _("file")
        verbose_name_plural = _("files")

    def __str__(self) -> str:
        return self.name


class FeedVisit(models.Model):
    """Until when a person has read the feed: what came after it is marked as new."""

    user = models.OneToOneField(User, models.CASCADE, related_name="feed_visit")
    read_until = models.DateTimeField(default=clock.now)

    def __str__(self) -> str:
        return f"{self.user}: {self.read_until}"

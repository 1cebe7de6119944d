"""The company feed: posts, answers, mentions."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import messages
from django.core.paginator import Paginator
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse_lazy
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as lazy
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from crm.events.notice import notify
from crm.ground.access import staff_of_ours
from crm.ground.sentences import said
from crm.items import customer_rights, mentions
from crm.notices.models.feed import Post
from crm.people.models import User
from crm.people.signed_in import signed_in

PAGE = 20


class PostForm(forms.Form):
    text = forms.CharField(
        label=lazy("post"),
        max_length=10000,
        widget=forms.Textarea(
            attrs={
                "rows": 2,
                "placeholder": lazy("Tell everybody. @Name rings a colleague's bell."),
                "data-mentions": reverse_lazy("mention-names"),
            }
        ),
    )
    parent = forms.IntegerField(required=False, widget=forms.HiddenInput)


def _check_works_here(user: Any) -> None:
    """Raises Http404 for somebody without any role: colleagues' names and words are not for everybody with a login."""
    if not customer_rights.works_here(user):
        raise Http404


@staff_of_ours
@require_http_methods(["GET", "POST"])
def feed(request: HttpRequest) -> HttpResponse:
    """Newest first, with their answers; POST adds one or the other."""
    user: Any = request.user
    _check_works_here(user)
    form = PostForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        above = form.cleaned_data["parent"]
        parent = Post.objects.filter(pk=above, parent=None).first() if above else None
        if above and parent is None:
            raise Http404
        post = Post.objects.create(author=user, parent=parent, text=form.cleaned_data["text"])
        _tell(post, user)
        return redirect("feed")
    rows = Post.objects.filter(parent=None).select_related("author").prefetch_related("answers__author")
    page = Paginator(rows.order_by("-created_at", "-pk"), PAGE).get_page(request.GET.get("page"))
    context = {"form": form, "page": page, "nav": "feed", "query": ""}
    return render(request, "feed/feed.html", context, status=422 if form.errors else 200)


@staff_of_ours
@require_GET
def mention_names(request: HttpRequest) -> JsonResponse:
    """Whom a text may name with @: everybody who works here, except oneself."""
    _check_works_here(request.user)
    people = User.objects.filter(is_active=True).exclude(pk=signed_in(request).pk).exclude(name="")
    return JsonResponse({"names": list(people.order_by("name").values_list("name", flat=True))})


def _tell(post: Post, by: User) -> None:
    """Those who are named, and who wrote the post that is answered."""
    people = {person.pk: person for person in mentions.mentioned(post.text)}
    if post.parent is not None:
        people.setdefault(post.parent.author_id, post.parent.author)
    for person in people.values():
        if person.pk != by.pk and person.is_active:
            text = said("notice.feed", "%(who)s in the feed: %(text)s") % {"who": by.name, "text": post.text[:200]}
            notify([person], text, kind="mention", sender=by)


@staff_of_ours
@require_POST
def delete_post(request: HttpRequest, pk: int) -> HttpResponse:
    """One's own; administrators any."""
    user: Any = request.user
    rows = Post.objects.all() if user.is_superuser else Post.objects.filter(author=user)
    get_object_or_404(rows, pk=pk).delete()
    messages.success(request, _("The post was deleted."))
    return redirect("feed")

"""The company feed: posts, answers, files, mentions, what is new."""

from __future__ import annotations

from datetime import datetime
from functools import partial
from typing import Any

from django import forms
from django.contrib import messages
from django.core.paginator import Paginator
from django.db import transaction
from django.http import FileResponse, Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse_lazy
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as lazy
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from crm.company.models import Department
from crm.ground import clock
from crm.ground.access import staff_of_ours
from crm.ground.downloads import saved_only
from crm.ground.forms.several import Several
from crm.ground.ids import id_of
from crm.items import customer_rights
from crm.items.erasure import remove
from crm.messages.forms.composer import FilesField
from crm.notices.models.feed import FeedVisit, Post, PostFile
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
    title = forms.CharField(label=lazy("title"), max_length=200, required=False)
    people = Several(
        User.objects.filter(is_active=True).order_by("name"), label=lazy("only to these people"), required=False
    )
    departments = Several(Department.objects.order_by("name"), label=lazy("and to these departments"), required=False)
    files: Any = FilesField(label=lazy("files"), required=False)
    parent = forms.IntegerField(required=False, widget=forms.HiddenInput)


def _check_works_here(user: Any) -> None:
    """Raises Http404 for somebody without any role: colleagues' names and words are not for everybody with a login."""
    if not customer_rights.works_here(user):
        raise Http404


@staff_of_ours
@require_http_methods(["GET", "POST"])
def feed(request: HttpRequest) -> HttpResponse:
    """Newest first, with their answers; POST adds one or the other."""
    user = signed_in(request)
    _check_works_here(user)
    form = PostForm(request.POST or None, request.FILES or None)
    answered = id_of(request.POST.get("parent"))
    if request.method == "POST" and form.is_valid():
        data = form.cleaned_data
        above = data["parent"]
        parent = Post.objects.visible_to(user).filter(pk=above).first() if above else None
        if above and parent is None:
            raise Http404
        to = {} if parent else {"people": data["people"], "departments": data["departments"], "title": data["title"]}
        Post.write(user, data["text"], parent=parent, files=data["files"], **to)
        return redirect("feed")
    read_until = _read_until(user, is_here=request.method == "GET")
    rows = Post.objects.visible_to(user).select_related("author")
    rows = rows.prefetch_related("answers__author", "answers__files", "files", "people", "departments")
    page = Paginator(rows.order_by("-created_at", "-pk"), PAGE).get_page(request.GET.get("page"))
    for post in page.object_list:
        for one in (post, *post.answers.all()):
            one.is_new = one.created_at > read_until and one.author_id != user.pk
    # What was refused of an answer stands at the answer: as a new post everybody would read it.
    refused = form if form.is_bound and answered else None
    context = {
        "form": PostForm() if refused is not None else form,
        "refused": refused,
        "answered": answered,
        "page": page,
        "nav": "feed",
        "query": "",
    }
    return render(request, "feed/feed.html", context, status=422 if form.errors else 200)


def _read_until(user: User, *, is_here: bool) -> datetime:
    """Until when the person had read it before; being here reads the rest."""
    visit, made = FeedVisit.objects.get_or_create(user=user)
    before: datetime = visit.read_until
    if is_here and not made:
        FeedVisit.objects.filter(pk=visit.pk).update(read_until=clock.now())
    return before


@staff_of_ours
@require_GET
def download(request: HttpRequest, pk: int) -> FileResponse:
    """A file of a post or answer, to its readers."""
    user = signed_in(request)
    _check_works_here(user)
    row = get_object_or_404(PostFile.objects.select_related("post"), pk=pk)
    if not Post.objects.visible_to(user).filter(pk=row.post.parent_id or row.post_id).exists():
        raise Http404
    return saved_only(row)


@staff_of_ours
@require_GET
def mention_names(request: HttpRequest) -> JsonResponse:
    """Whom a text may name with @: everybody who works here, except oneself."""
    _check_works_here(request.user)
    people = User.objects.filter(is_active=True).exclude(pk=signed_in(request).pk).exclude(name="")
    return JsonResponse({"names": list(people.order_by("name").values_list("name", flat=True))})


@staff_of_ours
@require_POST
def delete_post(request: HttpRequest, pk: int) -> HttpResponse:
    """One's own; administrators any. Its files go with it."""
    user: Any = request.user
    rows = Post.objects.all() if user.is_superuser else Post.objects.filter(author=user)
    post = get_object_or_404(rows, pk=pk)
    files: list[tuple[Any, str]] = [
        (row.file.storage, str(row.file.name))
        for row in PostFile.objects.filter(post__in=Post.objects.filter(pk=post.pk) | Post.objects.filter(parent=post))
    ]
    with transaction.atomic():
        post.delete()
        transaction.on_commit(partial(remove, files))
    messages.success(request, _("The post was deleted."))
    return redirect("feed")

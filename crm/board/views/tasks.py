"""A task, call or meeting: done, called off, or changed; whoever was invited to it is told."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import messages
from django.db.models import Q
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as lazy
from django.views.decorators.http import require_http_methods, require_POST

from crm.ground.access import staff_of_ours
from crm.ground.forms.moments import MomentField
from crm.ground.forms.several import Several
from crm.ground.refused import Forbidden
from crm.items.models.items import Item
from crm.items.models.tasks import Task
from crm.messages.models.invites import Invite
from crm.people.models import User
from crm.people.signed_in import signed_in


class TaskForm(forms.Form):
    title = forms.CharField(label=lazy("title"), max_length=200)
    deadline = MomentField(
        label=lazy("when"),
        required=False,
        widget=forms.DateTimeInput(format="%Y-%m-%dT%H:%M", attrs={"type": "datetime-local"}),
    )
    assignee = forms.ModelChoiceField(
        User.objects.filter(is_active=True).order_by("name"), label=lazy("for"), required=False
    )
    minutes = forms.IntegerField(label=lazy("length, minutes"), min_value=5, max_value=1440)
    place = forms.CharField(label=lazy("place or link"), max_length=300, required=False)
    participants = Several(
        User.objects.filter(is_active=True).order_by("name"), label=lazy("participants"), required=False
    )
    description = forms.CharField(
        label=lazy("description"), required=False, max_length=5000, widget=forms.Textarea(attrs={"rows": 3})
    )

    def __init__(self, task: Task, data: Any = None) -> None:
        super().__init__(data, initial={name: getattr(task, name) for name in Task.CHANGEABLE})
        people: Any = self.fields["assignee"]
        # Who has it keeps it, whoever is active by now.
        people.queryset = people.queryset | User.objects.filter(pk=task.assignee_id or 0)
        self.fields["participants"].initial = task.coworkers.all()
        if task.kind != Task.Kind.MEETING:
            del self.fields["minutes"], self.fields["place"], self.fields["participants"]
        else:
            self.fields["deadline"].required = True


def _task(request: HttpRequest, pk: int) -> Task:
    """Raises Http404 for one that the person does not see."""
    user = signed_in(request)
    seen = Q(item__in=Item.objects.visible_to(user)) | Q(item__isnull=True, assignee=user)
    found: Task = get_object_or_404(Task.objects.filter(seen).select_related("item", "assignee"), pk=pk)
    return found


def _back(request: HttpRequest, task: Task) -> HttpResponse:
    back = request.POST.get("next", "")
    if back.startswith("/day/") or task.item_id is None:
        return redirect(back if back.startswith("/day/") else "day")
    return redirect("item", task.item_id)


@staff_of_ours
@require_POST
def task_status(request: HttpRequest, pk: int) -> HttpResponse:
    task = _task(request, pk)
    task.require(signed_in(request))
    status = request.POST.get("status", "")
    if status not in Task.Status.values:
        raise Http404
    if task.set_status(status, by=signed_in(request)) and status == Task.Status.CANCELLED:
        messages.success(request, _("“%s” is called off.") % task.title)
    return _back(request, task)


@staff_of_ours
@require_http_methods(["GET", "POST"])
def task(request: HttpRequest, pk: int) -> HttpResponse:
    """Change it, or see what was answered to its invitation."""
    found, user = _task(request, pk), signed_in(request)
    may_change = found.is_open and found.may_be_changed(user)
    if request.method == "POST" and not may_change:
        raise Forbidden(_("Your role may not change this card."))
    form = TaskForm(found, request.POST or None)
    if request.method == "POST" and form.is_valid():
        data = dict(form.cleaned_data)
        if "participants" in data:
            found.set_coworkers(data.pop("participants"), by=user)
        changed = found.change(data, by=user)
        if changed:
            messages.success(request, _("“%s” is changed.") % found.title)
        return _back(request, found)
    context = {
        "task": found,
        "form": form,
        "may_change": may_change,
        "may_end": may_change or found.assignee_id == user.pk,
        "invite": Invite.objects.filter(task=found).first(),
        "next": request.POST.get("next", request.GET.get("next", "")),
        "nav": "day",
    }
    return render(request, "day/task.html", context, status=422 if form.errors else 200)

"""The template's editor: HTML and CSS beside the paper as it looks for a card of one's choice."""

from __future__ import annotations

import base64
from typing import Any

from django import forms
from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST

from crm.ground.access import administrators_only
from crm.ground.ids import id_of
from crm.messages import merge_fields, merge_text
from crm.models import Item
from crm.people.signed_in import signed_in
from documents.drawing import CannotDraw
from documents.models import DocumentTemplate
from documents.pictures import picture_of
from documents.rendering import preview as drawn_preview
from documents.template_fields import FIELDS, LISTS

MOST_PAGES_SHOWN = 5


class TemplateText(forms.ModelForm):
    class Meta:
        model = DocumentTemplate
        fields = ("body", "style", "page")
        widgets = {
            "body": forms.Textarea(attrs={"rows": 28, "spellcheck": "false", "class": "form-control code"}),
            "style": forms.Textarea(attrs={"rows": 14, "spellcheck": "false", "class": "form-control code"}),
            "page": forms.Select(attrs={"class": "form-select form-select-sm"}),
        }


@administrators_only
@require_http_methods(["GET", "POST"])
def edit(request: HttpRequest, pk: int) -> HttpResponse:
    template = get_object_or_404(DocumentTemplate, pk=pk)
    form = TemplateText(request.POST or None, instance=template)
    if request.method == "POST" and form.is_valid():
        form.save()
        messages.success(request, _("Saved as version %d.") % template.version)
        return redirect("template-edit", pk)
    items = Item.objects.visible_to(signed_in(request)).select_related("contact").order_by("-last_activity_at")[:40]
    context = {
        "template": template,
        "form": form,
        "items": items,
        "fields": field_groups(),
        "versions": template.versions.order_by("-number")[:10],
        "nav": "documents",
    }
    return render(request, "documents/template.html", context, status=422 if form.errors else 200)


def field_groups() -> list[tuple[str, list[tuple[str, str]]]]:
    """For the picker: what to insert and what it is, by group."""
    groups = [
        (str(label), [(f"{{{{ {root}.{name} }}}}", str(words)) for name, (words, _type) in fields.items()])
        for root, (label, fields) in FIELDS.items()
    ]
    for name, columns in LISTS.items():
        head = _("Lines") if name == "lines" else _("Taxes")
        one = name.removesuffix("es") if name == "taxes" else "line"
        rows = [(f"{{% for {one} in {name} %}}…{{% endfor %}}", _("for each"))]
        rows += [(f"{{{{ {one}.{column} }}}}", str(words)) for column, (words, _type) in columns.items()]
        groups.append((str(head), rows))
    for label, fields in merge_fields.field_list():
        groups.append((label, [(f"{{{{ {path} }}}}", name) for path, name, _type in fields]))
    return groups


@administrators_only
@require_POST
def preview(request: HttpRequest, pk: int) -> HttpResponse:
    """What is in the editor now, for the chosen card: pictures of its pages, or the fault in one sentence."""
    template = get_object_or_404(DocumentTemplate, pk=pk)
    form = TemplateText(request.POST, instance=template)
    item = Item.objects.visible_to(signed_in(request)).filter(pk=(id_of(request.POST.get("item")) or 0)).first()
    if item is None:
        return JsonResponse({"fault": _("Choose a card to see the paper for.")}, status=422)
    try:
        if not form.is_valid():
            raise ValidationError([error for errors in form.errors.values() for error in errors])
        made = drawn_preview(form.instance, item)
    except ValidationError as fault:
        return JsonResponse({"fault": " ".join(fault.messages)}, status=422)
    except (merge_text.MergeError, CannotDraw) as fault:
        return JsonResponse({"fault": str(fault)}, status=422)
    except OSError:
        return JsonResponse({"fault": _("The renderer ended; please try again.")}, status=503)
    pages: list[Any] = [picture_of(made.pdf, number) for number in range(1, min(made.pages, MOST_PAGES_SHOWN) + 1)]
    shown = [f"data:image/webp;base64,{base64.b64encode(page).decode()}" for page in pages]
    return JsonResponse({"pages": shown, "count": made.pages})

"""A text with an editor where scripts run: what is written there arrives as HTML beside the plain text."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.templatetags.static import static
from django.utils.translation import gettext as _

from crm.messages.mail.reading import as_text, clean

MOST_LETTERS = 50_000


def editor_attributes() -> dict[str, str]:
    """What static/js/rich.js asks of a textarea: where the editor lies, and its words."""
    words = {
        "bold": _("Bold"),
        "italic": _("Italic"),
        "strike": _("Strikethrough"),
        "link": _("Link"),
        "unlink": _("No link"),
        "heading1": _("Heading"),
        "quote": _("Quotation"),
        "bullets": _("List"),
        "numbers": _("Numbered list"),
        "outdent": _("Less indented"),
        "indent": _("More indented"),
        "undo": _("Undo"),
        "redo": _("Redo"),
        "url": _("Address"),
        "urlPlaceholder": "https://",
    }
    files = {"script": static("vendor/trix.umd.min.js"), "style": static("vendor/trix.css")}
    return {"data-rich": json.dumps({"words": words, **files})}


@dataclass(frozen=True)
class Written:
    """What was typed: plain, or HTML of the editor, which then counts."""

    text: str
    html: str = ""


class RichText(forms.Textarea):
    """A text with an editor above it where scripts run; what is written there arrives as NAME_html as well."""

    def __init__(self, attrs: Any = None) -> None:
        super().__init__({"rows": 6, **(attrs or {})})

    def get_context(self, name: str, value: Any, attrs: Any) -> dict[str, Any]:
        context = super().get_context(name, value, attrs)
        context["widget"]["attrs"] |= editor_attributes()
        if isinstance(value, Written):
            context["widget"]["value"], context["widget"]["attrs"]["data-html"] = value.text, value.html
        return context

    def value_from_datadict(self, data: Any, files: Any, name: str) -> Written:
        return Written(data.get(name, ""), data.get(f"{name}_html", ""))


class RichField(forms.Field):
    """Cleans to a `Written` whose text is never empty."""

    widget = RichText

    def clean(self, value: Any) -> Written:
        found = value if isinstance(value, Written) else Written(str(value or ""))
        if "\0" in found.text + found.html:
            raise ValidationError(_("The text holds letters that cannot be kept."))
        text = as_text(clean(found.html)) if found.html.strip() else found.text.strip()
        if not text:
            raise ValidationError(self.error_messages["required"])
        if max(len(text), len(found.html)) > MOST_LETTERS:
            raise ValidationError(_("The text is longer than %d characters.") % MOST_LETTERS)
        return Written(text, found.html.strip())

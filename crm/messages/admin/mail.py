"""Mailboxes that are looked into, and mails written once."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import messages as notes
from django.utils.html import format_html_join
from django.utils.translation import gettext as _now
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from crm.admin.base import ModelAdmin, action, register
from crm.company.models import SystemSwitches
from crm.ground import safe_http, vault
from crm.ground.shown import beside
from crm.messages import merge_fields
from crm.messages.forms.rich import editor_attributes
from crm.messages.mail import imap
from crm.messages.models.mail_templates import MailTemplate
from crm.messages.models.mailboxes import Mailbox, today


class MailboxForm(forms.ModelForm):
    password = forms.CharField(
        label=_("password"),
        required=False,
        max_length=500,
        widget=forms.PasswordInput,
        help_text=_("Write-only; empty keeps what is stored."),
    )

    class Meta:
        model = Mailbox
        fields = ("name", "channel", "host", "port", "security", "user", "password", "folder", "is_active")

    def clean(self) -> dict[str, Any]:
        data = super().clean() or {}
        try:
            safe_http.check_host(data.get("host", ""), data.get("port") or 993, SystemSwitches.mail_hosts())
        except safe_http.Unsafe as error:
            self.add_error("host", str(error))
        if not data.get("password") and not self.instance.secret:
            self.add_error("password", _now("A new mailbox needs its password."))
        return data

    def save(self, commit: bool = True) -> Any:
        if self.cleaned_data.get("password"):
            self.instance.secret = vault.lock({"password": self.cleaned_data["password"]})
        if set(self.changed_data) & {"host", "port", "user", "folder"}:
            # Another place: it is read from now on, as a new one.
            self.instance.validity, self.instance.last_uid, self.instance.since = None, 0, today()
        self.instance.fault = ""
        return super().save(commit)


@register(Mailbox)
class MailboxAdmin(ModelAdmin):
    form = MailboxForm
    list_display = ("name", "channel", "user", "host", "is_active", "checked_at", "fault")
    list_filter = ("is_active",)
    list_select_related = ("channel",)
    search_fields = ("name", "user", "host")
    actions = ("look",)

    @action(description=_("Look into them now"))
    def look(self, request: Any, queryset: Any) -> None:
        for mailbox in queryset.select_related("channel__strangers"):
            try:
                count = imap.look_into(mailbox)
            except imap.Unreachable as fault:
                notes.error(request, beside(mailbox, fault))
                continue
            Mailbox.objects.filter(pk=mailbox.pk).update(fault="")
            words = ngettext("%d new mail was taken over.", "%d new mails were taken over.", count) % count
            notes.success(request, beside(mailbox, words))


class MailTemplateForm(forms.ModelForm):
    class Meta:
        model = MailTemplate
        fields = ("name", "language", "subject", "body", "letterhead", "is_active")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["body"].widget.attrs |= editor_attributes() | {"data-rich-own": "1"}
        # By group: five of them have a name, and only the heading tells whose.
        groups = [
            (
                group,
                format_html_join(
                    " · ", "<code>{}</code> {}", ((f"{{{{ {path} }}}}", label) for path, label, _t in rows)
                ),
            )
            for group, rows in merge_fields.field_list()
        ]
        self.fields["body"].help_text = format_html_join("", "<div><b>{}</b> {}</div>", groups)


@register(MailTemplate)
class MailTemplateAdmin(ModelAdmin):
    form = MailTemplateForm
    list_display = ("name", "subject", "language", "letterhead", "is_active")
    list_filter = ("language", "is_active")
    search_fields = ("name", "subject")

    class Media:
        js = (forms.Script("js/rich.js", type="module"),)

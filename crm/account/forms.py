"""What people say about themselves."""

from __future__ import annotations

from typing import Any

from allauth.account.forms import ChangePasswordForm
from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _

from crm.api.models import ApiToken
from crm.ground import clock
from crm.people.models import User


class ChangePassword(ChangePasswordForm):
    """allauth's, and the tokens of one's programs: whoever changes a password because it is known may end them too."""

    end_tokens = forms.BooleanField(required=False)

    @property
    def tokens(self) -> Any:
        return ApiToken.objects.filter(user=self.user, revoked_at=None)

    def save(self) -> None:
        super().save()
        if self.cleaned_data.get("end_tokens"):
            self.tokens.update(revoked_at=clock.now())


class ProfileForm(forms.ModelForm):
    class Meta:
        model = User
        fields = ("name", "phone", "language", "zone", "absent_from", "absent_until")
        widgets = {
            name: forms.DateTimeInput(attrs={"type": "datetime-local"}, format="%Y-%m-%dT%H:%M")
            for name in ("absent_from", "absent_until")
        }

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for field in self.fields.values():
            field.widget.attrs["class"] = "form-select" if isinstance(field.widget, forms.Select) else "form-control"

    def clean(self) -> dict[str, Any]:
        data = super().clean() or {}
        start, end = data.get("absent_from"), data.get("absent_until")
        if start and end and end <= start:
            self.add_error("absent_until", ValidationError(_("The end comes after the beginning.")))
        return data

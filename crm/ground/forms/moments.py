"""Days and moments in forms, within the years that every page, zone and paper can show."""

from __future__ import annotations

from typing import Any

from django import forms
from django.core.exceptions import ValidationError

from crm.ground import dates


class DayField(forms.DateField):
    def to_python(self, value: Any) -> Any:
        found = super().to_python(value)
        dates.check_year(found)
        return found


class MomentField(forms.DateTimeField):
    def to_python(self, value: Any) -> Any:
        try:
            found = super().to_python(value)
        except OverflowError as error:
            raise ValidationError(self.error_messages["invalid"], code="invalid") from error
        dates.check_year(found)
        return found

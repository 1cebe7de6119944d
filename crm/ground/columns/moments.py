"""Columns of days and moments that somebody chooses: within the years that can be shown, whoever writes them.

The year 9999 has no tomorrow, and the year 1 no yesterday: in another time zone a page with such a value was an error
page until its row was deleted. Saving one raises ValidationError in words.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.db import models

from crm.ground import dates
from crm.ground.forms import moments as forms

if TYPE_CHECKING:
    _Column = models.Field[Any, Any]
else:
    _Column = object


class _Bounded(_Column):
    path: str

    def deconstruct(self) -> Any:
        # To the database it is the library's own column: nothing is migrated.
        name, _path, args, kwargs = super().deconstruct()
        return name, self.path, args, kwargs

    def clean(self, value: Any, model_instance: models.Model | None) -> Any:
        found = super().clean(value, model_instance)
        dates.check_year(found)
        return found

    def get_db_prep_save(self, value: Any, connection: Any) -> Any:
        if value is not None and not hasattr(value, "resolve_expression"):
            dates.check_year(self.to_python(value))
        return super().get_db_prep_save(value, connection)


class DayField(_Bounded, models.DateField):
    path = "django.db.models.DateField"

    def formfield(self, **kwargs: Any) -> Any:
        return super().formfield(**{"form_class": forms.DayField, **kwargs})


class MomentField(_Bounded, models.DateTimeField):
    path = "django.db.models.DateTimeField"

    def formfield(self, **kwargs: Any) -> Any:
        return super().formfield(**{"form_class": forms.MomentField, **kwargs})

"""django-fsm's FSMKeyField, mended: `item.stage` is a Stage again, and protected=True protects.

As shipped, the guard of a protected FSMKeyField looks for `stage` in the instance's `__dict__`, while a foreign
key keeps `stage_id` there: `item.stage = x` and `item.stage_id = x` both went through, and `item.stage` was a
number. QuerySet.update() still bypasses it, as it does every field: only the gate may use that.
"""

from __future__ import annotations

from typing import Any

from django.db import models
from django.db.models.fields.related_descriptors import ForeignKeyDeferredAttribute, ForwardManyToOneDescriptor
from django_fsm import FSMKeyField


class _Stage(ForwardManyToOneDescriptor):
    def __set__(self, instance: Any, value: Any) -> None:
        field: Any = self.field
        field.check_free(instance, getattr(value, "pk", value))
        super().__set__(instance, value)


class _StageId(ForeignKeyDeferredAttribute):
    def __set__(self, instance: Any, value: Any) -> None:
        field: Any = self.field
        field.check_free(instance, value)
        super().__set__(instance, value)


class StageField(FSMKeyField):
    descriptor_class = _Stage  # type: ignore[assignment]  # the library's own way to guard it

    def contribute_to_class(self, cls: type[models.Model], name: str, *args: Any, **kwargs: Any) -> None:
        super().contribute_to_class(cls, name, *args, **kwargs)
        setattr(cls, self.attname, _StageId(self))

    def check_free(self, instance: Any, value: Any) -> None:
        state = instance.__dict__
        held = self.attname in state and not instance._state.adding and not state.get("_refreshing")
        if self.protected and held and state[self.attname] != value:
            raise AttributeError(f"{self.name} is protected: use move_to()")

    def get_state(self, instance: Any) -> Any:
        return getattr(instance, self.attname)

    def set_state(self, instance: Any, state: Any) -> None:
        """The transition's own door."""
        instance.__dict__[self.attname] = self.to_python(state)
        if self.is_cached(instance):
            self.delete_cached_value(instance)


class RefreshMixin(models.Model):
    """refresh_from_db() may set the protected field; a flag per instance, so threads do not meet."""

    class Meta:
        abstract = True

    def refresh_from_db(self, *args: Any, **kwargs: Any) -> None:
        self._refreshing = True
        try:
            super().refresh_from_db(*args, **kwargs)
        finally:
            del self._refreshing

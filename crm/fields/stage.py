from __future__ import annotations

from typing import Any

from django.utils.translation import gettext_lazy as _

from crm.fields.record import Record


class StageType(Record):
    """A stage of the record's own pipeline."""

    key = "stage"
    label = _("stage")
    model = "crm.Stage"
    unknown = _("“%s” is not a stage of this pipeline.")

    def rows(self) -> Any:
        return super().rows().filter(retired=False)

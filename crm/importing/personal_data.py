"""Personal data of imports: the lines that they came from."""

from __future__ import annotations

from typing import Any

from django.utils.translation import gettext_lazy as _

from crm import slots
from crm.importing.models import ImportRow
from crm.items.erasure import PersonalData, Subject
from crm.items.personal_data import EMPTIED


def _rows(subject: Subject) -> Any:
    loose = ImportRow.objects.filter(contact=None, item=None).exclude(cells=[])
    named = [row.pk for row in loose.only("pk", "cells").iterator(500) if subject.is_named_in(row.cells)]
    return ImportRow.objects.filter(subject.theirs) | ImportRow.objects.filter(pk__in=named)


slots.personal_data.register(
    PersonalData(_("lines of imports"), EMPTIED, _rows, cleared={"cells": [], "made": {}, "reason": ""})
)

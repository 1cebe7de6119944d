"""Who may see and do what with items; asked by the gate and by every list."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from crm.models.people import User
    from crm.models.pipelines import Machine, Stage


def sees(user: User, machine: Machine) -> bool:
    """Active, and of a department that works in the pipeline (all do, where none is named)."""
    if not user.is_active:
        return False
    return user.is_superuser or not machine.seen_by or user.department_id in machine.seen_by


def enters(user: User, machine: Machine, stage: Stage) -> bool:
    """May move cards to the stage."""
    allowed = machine.entered_by.get(stage.pk)
    return user.is_superuser or not allowed or user.department_id in allowed

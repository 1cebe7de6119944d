"""Who may do what, and with whose items: the one policy, asked by the gate, by every list and by every page.

A pipeline that no role names is open: every active user may do everything in it but set it up. As soon as one role
names it, roles alone count, and a person has the widest scope of all of theirs. Nothing reaches further than *view*.
Administrators may do everything.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from django.apps import apps
from django.db import models
from django.db.models import Exists, OuterRef, Q
from django.utils.translation import gettext as _now
from django.utils.translation import gettext_lazy as _

from crm.company.models import Department

if TYPE_CHECKING:
    from crm.items.models.items import Item
    from crm.people.models import User
    from crm.pipelines.machine import Machine
    from crm.pipelines.models import Stage

ACTIONS = ("view", "add", "edit", "move", "delete", "export", "configure")
ACTION_NAMES = {
    "view": _("view"),
    "add": _("add"),
    "edit": _("edit"),
    "move": _("move"),
    "delete": _("delete"),
    "export": _("export"),
    "configure": _("configure"),
}
REFUSALS = {
    "view": _("You have no access to this pipeline."),
    "add": _("Your role may not add cards here."),
    "edit": _("Your role may not change this card."),
    "move": _("Your role may not move this card."),
    "delete": _("Your role may not delete this card."),
    "export": _("Your role may not export from this pipeline."),
    "configure": _("Your role may not set up this pipeline."),
}


class Scope(models.IntegerChoices):
    """Whose items; each includes those before it."""

    NONE = 0, _("none")
    OWN = 1, _("own")
    DEPARTMENT = 2, _("department")
    TREE = 3, _("department and below")
    ALL = 4, _("all")


@dataclass(frozen=True)
class Grant:
    """A role's right in one pipeline, as the compiled machine holds it."""

    role: str
    people: frozenset[int]
    departments: frozenset[int]
    scopes: dict[str, Scope]

    def holds_for(self, user: User) -> bool:
        return user.pk in self.people or user.department_id in self.departments

    def through(self, user: User) -> str:
        """How the person comes to have the role, in words."""
        if user.pk in self.people or user.department is None:
            return self.role
        return _now("%(role)s (department %(department)s)") % {"role": self.role, "department": user.department.name}


def scope_of(user: User, machine: Machine, action: str) -> Scope:
    """The widest scope of the person's roles for an action in a pipeline."""
    if not user.is_active or (action in ("add", "move") and machine.pipeline.is_archived):
        return Scope.NONE
    if user.is_superuser:
        return Scope.ALL
    if not machine.grants:
        return Scope.NONE if action == "configure" else Scope.ALL
    mine = [grant.scopes for grant in machine.grants if grant.holds_for(user)]
    return _capped(action, {name: max((scopes[name] for scopes in mine), default=Scope.NONE) for name in ACTIONS})


def _capped(action: str, scopes: dict[str, Scope]) -> Scope:
    """Who may see few cards cannot move all."""
    return scopes[action] if action == "configure" else min(scopes[action], scopes["view"])


def sees(user: User, machine: Machine) -> bool:
    return scope_of(user, machine, "view") > Scope.NONE


def configures(user: User, machine: Machine) -> bool:
    return scope_of(user, machine, "configure") > Scope.NONE


def allows(user: User, machine: Machine, action: str, item: Item | None = None) -> bool:
    """Whether the person may do it with this item; without one: with some."""
    scope = scope_of(user, machine, action)
    if scope in (Scope.NONE, Scope.ALL) or item is None:
        return scope > Scope.NONE
    if item.owner_id == user.pk:
        return True
    if action == "view" and item.pk and user in item.observers.all():  # asked once for many people where prefetched
        return True
    if scope == Scope.OWN or item.owner is None:
        return False
    return item.owner.department_id in departments_of(user, scope)


def allowed(user: User, machine: Machine, item: Item) -> set[str]:
    """Everything that the person may do with the item: what a page offers."""
    return {action for action in ACTIONS if allows(user, machine, action, item)}


def enters(user: User, machine: Machine, stage: Stage) -> bool:
    """May move cards to the stage."""
    asked = machine.entered_by.get(stage.pk)
    return user.is_superuser or not asked or user.department_id in asked


def departments_of(user: User, scope: Scope) -> set[int]:
    """Whose people's items the scope reaches; for a tree the own department and all below it."""
    if user.department_id is None:
        return set()
    if scope != Scope.TREE:
        return {user.department_id}
    known: set[int] | None = user.__dict__.get("_tree")
    if known is None:
        below: dict[int | None, list[int]] = {}
        for pk, parent in Department.objects.values_list("pk", "parent_id"):
            below.setdefault(parent, []).append(pk)
        known = fresh = {user.department_id}
        while fresh:
            fresh = {pk for above in fresh for pk in below.get(above, [])} - known
            known |= fresh
        user.__dict__["_tree"] = known
    return known


# ---------------------------------------------------------------------- for lists


def limit(user: User, machine: Machine, action: str) -> Q:
    """Which items of the pipeline the action reaches, as a condition on items."""
    return _within(user, action, scope_of(user, machine, action))


def held_by(user: User) -> Q:
    """For rows of a role (`role`): whether the person has it, by name or by department."""
    roles: Any = apps.get_model("crm", "Role")
    own = roles.people.through.objects.filter(role=OuterRef("role"), user=user.pk)
    shared = roles.departments.through.objects.filter(role=OuterRef("role"), department=user.department_id or 0)
    return Exists(own) | Exists(shared)


def reach(user: User) -> dict[int, dict[str, Scope]]:
    """By pipeline that some role names: the person's scope for each action. One query an instance of the user."""
    rolerights: Any = apps.get_model("crm", "RoleRight")
    known: dict[int, dict[str, Scope]] | None = user.__dict__.get("_reach")
    if known is None:
        rows = rolerights.objects.annotate(mine=held_by(user))
        known = {}
        for pipeline, mine, *scopes in rows.values_list("pipeline_id", "mine", *(f"may_{name}" for name in ACTIONS)):
            best = known.setdefault(pipeline, dict.fromkeys(ACTIONS, Scope.NONE))
            if mine:
                for name, scope in zip(ACTIONS, scopes, strict=True):
                    best[name] = max(best[name], Scope(scope))
        for best in known.values():
            best.update({name: _capped(name, best) for name in ACTIONS})
        user.__dict__["_reach"] = known
    return known


def hidden_pipelines(user: User, action: str = "view") -> list[int]:
    """Pipelines in which the person may not do it with any item. For an active user who is no administrator."""
    return [pk for pk, scopes in reach(user).items() if scopes[action] == Scope.NONE]


def within(user: User, action: str = "view") -> Q:
    """Which items of all pipelines the action reaches, as a condition on items."""
    if not user.is_active:
        return Q(pk__in=[])
    if user.is_superuser:
        return Q()
    limited = {pk: scopes[action] for pk, scopes in reach(user).items() if scopes[action] != Scope.ALL}
    if not limited:
        return Q()
    found = ~Q(pipeline__in=list(limited))
    for pk, scope in limited.items():
        if scope:
            found |= Q(pipeline=pk) & _within(user, action, scope)
    return found


def _within(user: User, action: str, scope: Scope) -> Q:
    if scope == Scope.ALL:
        return Q()
    if scope == Scope.NONE:
        return Q(pk__in=[])
    found: Any = Q(owner=user.pk)
    if action == "view":
        found |= Q(
            pk__in=apps.get_model("crm", "Item").observers.through.objects.filter(user=user.pk).values("item_id")
        )
    if scope > Scope.OWN:
        found |= Q(owner__department__in=departments_of(user, scope))
    return found


# ---------------------------------------------------------------------- why


def reasons(user: User, machine: Machine, item: Item) -> list[dict[str, Any]]:
    """For each action: whether the person may do it with the item, and by which role and scope; for administrators."""
    found = []
    for action in ACTIONS:
        if not user.is_active:
            why = [_now("The account is not active.")]
        elif user.is_superuser:
            why = [_now("Administrators may do everything.")]
        elif not machine.grants:
            why = [
                _now("No role names this pipeline, so only administrators set it up.")
                if action == "configure"
                else _now("No role names this pipeline, so it is open to everybody.")
            ]
        else:
            mine = [grant for grant in machine.grants if grant.holds_for(user)]
            why = [f"{grant.through(user)}: {grant.scopes[action].label}" for grant in mine]
            why = why or [_now("None of this person's roles names this pipeline.")]
        allowed_here = allows(user, machine, action, item)
        found.append({"action": ACTION_NAMES[action], "allowed": allowed_here, "why": why})
    return found

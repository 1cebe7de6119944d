"""Roles: what people may do in which pipeline, and with whose items."""

from __future__ import annotations

from typing import Any

from django.core.exceptions import ValidationError
from django.db import models
from django.utils.translation import gettext_lazy as _

from crm.company.models import Department
from crm.pipelines.models import touch_all_machines
from crm.pipelines.rights import Scope


def _scope(label: Any, default: Scope) -> Any:
    return models.PositiveSmallIntegerField(label, choices=Scope.choices, default=default)


class RoleQuerySet(models.QuerySet["Role"]):
    def of(self, user: Any) -> RoleQuerySet:
        """The roles of a person, by name or by department."""
        return self.filter(models.Q(people=user.pk) | models.Q(departments=user.department_id or 0))


class Role(models.Model):
    """People, and whole departments, that share rights. A person has the union of all their roles."""

    name = models.CharField(_("name"), max_length=80, unique=True)
    people = models.ManyToManyField("crm.User", blank=True, related_name="roles", verbose_name=_("people"))
    departments = models.ManyToManyField(
        Department, blank=True, verbose_name=_("departments"), help_text=_("Everybody who belongs to one of them.")
    )

    keeps_books = models.BooleanField(
        _("keeps the books"),
        default=False,
        help_text=_("Opens the issued papers of erased customers, which are closed to everybody else."),
    )

    sees_profit = models.BooleanField(
        _("sees profit"),
        default=False,
        help_text=_("Cost prices and what cards earn: on lines and cards, in lists, figures and files, and in rules."),
    )

    objects = RoleQuerySet.as_manager()

    class Meta:
        ordering = ["name"]
        verbose_name = _("role")
        verbose_name_plural = _("roles")

    def __str__(self) -> str:
        return self.name

    def delete(self, *args: Any, **kwargs: Any) -> Any:
        deleted = super().delete(*args, **kwargs)
        self.took_effect()
        return deleted

    @staticmethod
    def took_effect() -> None:
        """Who may do what is part of each pipeline's compiled machine."""
        touch_all_machines()


def sees_profit(user: Any) -> bool:
    """Whether the person sees cost prices and profit, of whatever cards he sees. At most one query an instance of the user."""
    if user.is_superuser or not user.is_active:
        return bool(user.is_superuser and user.is_active)
    known: bool | None = user.__dict__.get("_sees_profit")
    if known is None:
        known = user.__dict__["_sees_profit"] = Role.objects.of(user).filter(sees_profit=True).exists()
    return known


NO_PROFIT = _("Your role does not see cost prices and profit.")


class CustomerRight(models.Model):
    """What a role may do with contacts and companies; while no role has one, all who work here may (customer_rights)."""

    role = models.OneToOneField(Role, models.CASCADE, related_name="customers", verbose_name=_("role"))
    may_view = _scope(_("view"), Scope.ALL)
    may_add = _scope(_("add"), Scope.ALL)
    may_edit = _scope(_("edit"), Scope.OWN)
    may_merge = _scope(_("merge"), Scope.OWN)
    may_delete = _scope(_("delete"), Scope.NONE)
    may_export = _scope(_("export"), Scope.NONE)

    class Meta:
        verbose_name = _("right to customers")
        verbose_name_plural = _("rights to customers")

    def __str__(self) -> str:
        return str(self.role)


class RoleRight(models.Model):
    """What a role may do in one pipeline; a column for each action, its value says with whose items."""

    role = models.ForeignKey(Role, models.CASCADE, related_name="rights", verbose_name=_("role"))
    pipeline = models.ForeignKey("crm.Pipeline", models.CASCADE, related_name="rights", verbose_name=_("pipeline"))
    may_view = _scope(_("view"), Scope.ALL)
    may_add = _scope(_("add"), Scope.ALL)
    may_edit = _scope(_("edit"), Scope.ALL)
    may_move = _scope(_("move"), Scope.ALL)
    may_delete = _scope(_("delete"), Scope.ALL)
    may_export = _scope(_("export"), Scope.ALL)
    may_configure = _scope(_("configure"), Scope.NONE)

    class Meta:
        verbose_name = _("right")
        verbose_name_plural = _("rights")
        constraints = [models.UniqueConstraint(fields=["role", "pipeline"], name="one_right_a_role_and_pipeline")]

    def __str__(self) -> str:
        return f"{self.role}: {self.pipeline}"

    def save(self, *args: Any, **kwargs: Any) -> None:
        super().save(*args, **kwargs)
        Role.took_effect()

    def clean(self) -> None:
        if self.may_configure not in (Scope.NONE, Scope.ALL):
            raise ValidationError({"may_configure": _("A pipeline is set up as a whole: all or none.")})

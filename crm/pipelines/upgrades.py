"""What migrations share and say: their own folders hold no words for people."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.utils import translation

from crm.ground import clock
from crm.ground.decimals import Limit
from crm.ground.sentences import in_payload, said
from crm.pipelines.retyping import reread


@dataclass(frozen=True)
class Column:
    """A column that gets a limit.

    Args:
        model: "crm.Item".
        name: of the column.
        empty: what takes the place of a value that is past the limit: SQL. None deletes the row.
        item: SQL of the card's id, for the note on the card; empty where the row belongs to none.
    """

    model: str
    name: str
    limit: Limit
    empty: str | None = "NULL"
    item: str = ""


def take_out(columns: tuple[Column, ...], apps: Any, schema_editor: Any) -> None:
    """Empty what the columns' limits do not allow; each value is written on its card and told to the administrators.

    Done in SQL: Django could not read such a row at all. Safe to repeat.
    """
    admins = list(apps.get_model("crm", "User").objects.filter(is_superuser=True, is_active=True))
    with translation.override(admins[0].language if admins else "en"):
        found = [line for column in columns for line in _taken_out(column, apps, schema_editor.connection)]
        if not found:
            return
        told = said(
            "upgrade.numbers", "Numbers that were too large to be read were taken out, and noted on their cards: %s"
        )
    _tell(apps, admins, told, found)


def _taken_out(column: Column, apps: Any, connection: Any) -> list[str]:
    model = apps.get_model(column.model)
    table, name = model._meta.db_table, connection.ops.quote_name(column.name)
    bad = f"abs({name}) >= {column.limit.bound}"
    if connection.vendor == "sqlite":
        bad = f"{name} IS NOT NULL AND (typeof({name}) NOT IN ('integer', 'real') OR {bad})"
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT id, CAST({name} AS TEXT), {column.item or 'NULL'} FROM {table} WHERE {bad} ORDER BY id")
        rows = cursor.fetchall()
        if rows and column.empty is None:
            cursor.execute(f"DELETE FROM {table} WHERE {bad}")
        elif rows:
            cursor.execute(f"UPDATE {table} SET {name} = {column.empty} WHERE {bad}")
    label = model._meta.get_field(column.name).verbose_name
    events = apps.get_model("crm", "Event").objects
    text = said("upgrade.number", "%(label)s was “%(value)s”, which is more than can be kept; it was taken out.")
    events.bulk_create(
        events.model(
            kind="comment.added",
            item_id=item,
            cause_kind="system",
            payload=in_payload("text", text % {"label": label, "value": value}),
            created_at=clock.now(),
        )
        for _pk, value, item in rows
        if item is not None
    )
    return [f"{model._meta.verbose_name} {pk} ({label}): {value}" for pk, value, _item in rows]


def tell_of_rights_to_customers(apps: Any) -> None:
    notices = apps.get_model("crm", "Notification").objects
    for user in apps.get_model("crm", "User").objects.filter(is_superuser=True, is_active=True):
        with translation.override(user.language):
            text = said(
                "upgrade.roles",
                "Roles may now say who sees, changes, merges, deletes and exports which customers. As long as none does,"
                " everybody who sees a pipeline may do all of it, as before: please look at the roles.",
            )
            notices.create(user=user, kind="setup", text=text)


def list_own_country_for_sms(apps: Any) -> None:
    """Numbers from web forms get SMS in the company's own country, as before; administrators hear that others do not."""
    companies = list(apps.get_model("crm", "OwnCompany").objects.all())
    for own in companies:
        own.sms_countries = own.country
        own.save(update_fields=["sms_countries"])
    notices = apps.get_model("crm", "Notification").objects
    for user in apps.get_model("crm", "User").objects.filter(is_superuser=True, is_active=True) if companies else ():
        with translation.override(user.language):
            text = said(
                "upgrade.sms_countries",
                "Numbers that come in by web forms get SMS only in listed countries now, at first in your own (%s); more are"
                " listed on the page of the own company.",
            )
            notices.create(user=user, kind="setup", text=text % companies[0].country)


def type_custom_values(apps: Any) -> None:
    """Values of custom fields as their types keep them; what a type cannot read stays as text, and is told."""
    admins = list(apps.get_model("crm", "User").objects.filter(is_superuser=True, is_active=True))
    with translation.override(admins[0].language if admins else "en"):
        fields = apps.get_model("crm", "CustomField").objects.order_by("pk")
        found = [str(unread) for field in fields for unread in reread(apps.get_model, field)]
        if not found:
            return
        told = said(
            "upgrade.custom",
            "Values that the types of their fields cannot read were left as the texts that they are: %s",
        )
    _tell(apps, admins, told, found)


def _tell(apps: Any, admins: list[Any], told: Any, found: list[str]) -> None:
    """Printed for who upgrades, and under the bell of the administrators."""
    print("\n  " + "\n  ".join(found))
    shown = "; ".join(found[:50]) + (" …" if len(found) > 50 else "")
    notices = apps.get_model("crm", "Notification").objects
    notices.bulk_create([notices.model(user=user, kind="setup", text=told % shown) for user in admins])

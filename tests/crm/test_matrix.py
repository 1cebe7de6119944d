"""Every address × (nobody, Charlie who may see nothing): what it answers, and that nothing changes.

The table is made from the URL configuration: an address that is added appears here by itself, and has to refuse.
"""

from __future__ import annotations

from itertools import product
from typing import Any

import pytest
from django.apps import apps
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver

from crm.models import (
    Attachment,
    Event,
    Import,
    InboundHook,
    Item,
    Message,
    Post,
    Product,
    SavedView,
    StageVisit,
    Task,
)  # fmt: skip
from documents import making, starter
from documents.models import Statement

# Pages of one's own, and those that anybody may see: they open for Charlie and hold nothing of others.
OWN = {
    "home", "board-default", "contacts", "companies", "search", "contact-suggest", "day", "calendar",
    "calendar-feed-switch", "bell", "outbox", "bin", "theme",
    "account_profile", "account_sessions", "account_change_password", "account_reauthenticate", "mfa_index",
    "mfa_reauthenticate", "mfa_activate_totp", "mfa_deactivate_totp", "mfa_view_recovery_codes",
    "mfa_generate_recovery_codes", "mfa_download_recovery_codes", "mfa_list_webauthn", "mfa_add_webauthn",
    "mfa_reauthenticate_webauthn", "mfa_remove_webauthn", "mfa_edit_webauthn", "imports", "account_notices",
    "documents", "products", "statements",
}  # fmt: skip
PUBLIC = {
    "approval-public",
    "document-public", "document-public-file", "document-public-picture", "document-seen", "document-answer",
    "mail-open", "mail-link", "mail-unsubscribe", "mail-hook", "pay", "pay-document", "provider-call", "qr", "qr-seen",
    "qr-picture",
    "form", "embed", "demo-shop", "healthz", "hook", "twilio-status", "twilio-sms", "calendar-feed",
    "account_login", "account_logout", "account_inactive", "account_reset_password", "account_reset_password_done",
    "account_reset_password_from_key", "account_reset_password_from_key_done", "mfa_authenticate", "mfa_login_webauthn",
}  # fmt: skip


def addresses(patterns: Any, prefix: str = "") -> Any:
    for pattern in patterns:
        if isinstance(pattern, URLResolver):
            if pattern.app_name not in ("admin", "ninja") and pattern.namespace != "api":
                yield from addresses(pattern.url_patterns, prefix + str(pattern.pattern))
        elif isinstance(pattern, URLPattern) and pattern.name:
            yield pattern.name, prefix + str(pattern.pattern), pattern


ALL = sorted({name for name, _route, _pattern in addresses(get_resolver().url_patterns)})


def snapshot() -> dict[str, Any]:
    """Every row of ours; sessions and what a visit of one's own page may note are left out."""
    rows = {}
    for model in apps.get_models():
        if model._meta.app_label in ("crm", "automation", "documents", "account", "mfa") and not model._meta.proxy:
            rows[model._meta.label] = sorted(map(repr, model._base_manager.values_list()))
    for row in ("crm.User", "crm.Post"):  # one's own name and one's own post in the feed of all
        rows.pop(row)
    return rows


@pytest.fixture
def foreign(world: Any, drain: Any) -> dict[str, Any]:
    """One of everything, all of it Bob's."""
    world.rule("new")
    item = world.deal("Secret table")
    gone = world.deal("Deleted secret")
    gone.delete_softly(by=world.bob)
    drain()
    task = Task.add(item=item, title="Secret task", assignee=world.bob)
    message = Message.objects.create(
        channel=world.sms, item=item, contact=world.contact, to="+48601234567", text="Secret"
    )
    view = SavedView.objects.create(owner=world.bob, pipeline=world.pipeline, name="Secret view")
    hook = InboundHook.objects.create(name="Secret hook")
    visit = StageVisit.objects.get(item=item, left_at=None)
    paper = making.make(starter.install("en")["offer"], item, by=world.bob)
    Product.objects.create(name="Secret product", price=1)
    drain()
    return {
        "documents": paper.pk, "payments": Statement.objects.create(name="Secret bank", author=world.bob).pk,
        "board": world.pipeline.pk, "analytics": world.pipeline.pk, "items": item.pk, "bin": gone.pk, "tasks": task.pk, "messages": message.pk,
        "outbox": message.pk, "views": view.pk, "contacts": world.contact.pk, "companies": 1, "runs": world.runs(item)[0].pk,
        "visits": visit.pk, "events": Event.objects.filter(item=item)[0].pk, "hook": hook.token, "visit": visit.pk,
        "files": Attachment.objects.create(
            item=item, event=Event.objects.filter(item=item)[0], file="x", name="Secret file", kind="text/plain", size=1
        ).pk,
        "feed": Post.objects.create(author=world.bob, text="For all").pk,
        "stage": world.stages["new"].pk, "import": Import.objects.create(user=world.bob, name="Secret file", total=0).pk,
    }  # fmt: skip


def address_of(route: str, ids: dict[str, Any]) -> str:
    """The route with the ids of Bob's things in it."""
    first = route.split("/")[0]
    parts = []
    for part in route.split("/"):
        if "<" not in part:
            parts.append(part)
        elif "stage" in part:
            parts.append(str(ids["stage"]))
        elif part.startswith("export"):
            parts.append("export.csv")
        elif part.startswith("<slug:key"):
            parts.append("now.csv")
        elif part.startswith("<int:number"):
            parts.append(part.replace("<int:number>", "1"))
        elif part.startswith("<int") or part == "<pk>":
            parts.append(str(ids.get(first, ids["items"])))
        elif "kind" in part:
            parts.append("note" if first == "items" else "contacts")
        else:
            parts.append("title")
    return "/" + "/".join(parts)


@pytest.mark.parametrize("name", [name for name in ALL if name not in PUBLIC])
def test_no_address_shows_or_changes_what_is_not_ones_own(world, foreign, name):
    route = next(route for known, route, _pattern in addresses(get_resolver().url_patterns) if known == name)
    url = address_of(route, foreign)
    data = {"visit": foreign["visit"], "id": foreign["items"], "to": world.stages["talk"].pk, "text": "x", "value": "x",
            "was": '"Secret table"', "status": "done", "verb": "cancel", "act": "delete:", "sure": "1", "title": "x",
            "arrived": "1", "name": "x"}  # fmt: skip
    before = snapshot()
    for who, method in product((world.charlie, None), ("get", "post")):
        client = Client()
        if who is not None:
            client.force_login(who)
        answer = getattr(client, method)(url, data if method == "post" else {})
        asked = f"{method} {url} by {who or 'nobody'}: {answer.status_code}"
        assert snapshot() == before, f"{asked} changed something"
        body = b"" if answer.streaming else answer.content
        assert b"Secret" not in body, asked
        if who is None:
            assert answer.status_code in (302, 401, 403, 404, 405) or name == "theme", asked
            if answer.status_code == 302:
                assert "/login/" in answer.url, asked
        elif name not in OWN:
            assert answer.status_code in (403, 404, 405, 410), asked


def test_the_table_names_only_addresses_that_exist():
    assert set(ALL) >= OWN | PUBLIC


def test_only_these_addresses_open_without_an_account():
    found = {
        name
        for name, _route, pattern in addresses(get_resolver().url_patterns)
        if pattern.callback.audience == "public"
    }
    assert found == PUBLIC


def test_a_colleague_of_the_department_is_not_refused(world, client, foreign):
    """The other side of the table: the same addresses open for Bob, so the refusals above mean something."""
    client.force_login(world.bob)
    for url in (
        f"/board/{foreign['board']}/",
        f"/items/{foreign['items']}/",
        f"/contacts/{foreign['contacts']}/",
        "/bin/",
    ):
        assert "Secret" in client.get(url).content.decode() or "Nguyễn" in client.get(url).content.decode(), url
    assert Item.objects.visible_to(world.bob).exists()

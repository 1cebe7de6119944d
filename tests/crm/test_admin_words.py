"""The administration speaks the reader's language: its heads, its titles, its counts."""

from __future__ import annotations

import re

import pytest
from django.contrib import admin
from django.contrib.admin.utils import flatten_fieldsets, get_fields_from_path, label_for_field
from django.db import models
from django.test import RequestFactory
from django.utils import translation

# The same word in all four languages, or the name of a thing.
SAME = {
    "mail",
    "host",
    "logo",
    "webhook",
    "sms",
    "html",
    "id",
    "bic",
    "url",
    "api",
    "twilio",
    "port",
    "token",
    "css",
    "sha",
}


def heads(model, model_admin, request):
    """Every head, label and filter of one model's pages, each asked for anew in the active language."""
    names = [name for name in model_admin.get_list_display(request) if isinstance(name, str) and name != "__str__"]
    names += [name for name in flatten_fieldsets(model_admin.get_fieldsets(request)) if isinstance(name, str)]
    form = model_admin.get_form(request).base_fields if model_admin.has_add_permission(request) else {}
    for name in dict.fromkeys(names):
        if name in form:
            yield name, str(form[name].label)
        else:
            yield name, str(label_for_field(name, model, model_admin))
    for path in model_admin.get_list_filter(request):
        path = path[0] if isinstance(path, tuple) else path
        if isinstance(path, str):
            field = get_fields_from_path(model, path)[-1]
            assert isinstance(field, models.Field)
            yield f"filter {path}", str(field.verbose_name)
    yield "one", str(model._meta.verbose_name)
    yield "many", str(model._meta.verbose_name_plural)


def test_no_head_of_the_administration_is_left_in_english(world):
    """One that is the same in all four languages was never translated; cognates differ in one of them."""
    request = RequestFactory().get("/", {"stage": world.stages["new"].pk, "action": "add_comment", "type": "knocked"})
    request.user = world.alice
    left = []
    for model, model_admin in admin.site._registry.items():
        spoken = []
        for language in ("en", "pl", "fr", "vi"):
            with translation.override(language):
                spoken.append(dict(heads(model, model_admin, request)))
        left += [
            f"{model._meta.label} {name}: {word}"
            for name, word in spoken[0].items()
            if {words[name] for words in spoken} == {word} and not set(re.findall(r"[a-z]{2,}", word.lower())) <= SAME
        ]
    assert left == []


@pytest.mark.parametrize(
    ("language", "title", "count"),
    [("pl", "Reguły", "13 wyników"), ("fr", "Règles", "13 résultats"), ("vi", "Quy tắc", "13 kết quả")],
)
def test_titles_and_counts_bend_no_noun(world, client, language, title, count):
    world.alice.language = language
    world.alice.save()
    client.force_login(world.alice)
    for _number in range(13):
        world.rule("new")
    page = " ".join(client.get("/admin/automation/rule/").content.decode().split())
    assert f"<h1>{title}</h1>" in page
    assert count in page
    assert "Wybierz reguła" not in page
    assert "Dodaj reguła" not in page


def test_a_colon_stands_as_the_language_sets_it():
    from crm.ground.shown import beside

    with translation.override("fr"):
        assert beside("Nom", "Anna") == "Nom\xa0: Anna"
    with translation.override("pl"):
        assert beside("Nazwa", "Anna") == "Nazwa: Anna"

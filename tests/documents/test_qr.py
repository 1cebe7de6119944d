"""QR codes: a page of their own, a trigger that people set off, a picture on papers and in mails."""

from __future__ import annotations

import pytest

from crm.models import Event, Item
from documents import making
from documents.models import QrCode

PHONE = {"User-Agent": "Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) AppleWebKit/605.1.15 Mobile"}


@pytest.mark.django_db
def test_a_scanned_code_moves_the_card_once(world, papers, client, drain, now):
    world.rule(
        "talk",
        "create_qr",
        {
            "name": "Delivery",
            "heading": "For {{ contact.name }}",
            "text": "Zażółć",
            "button": "Go",
            "target": "https://x.pl/{{ item.id }}",
        },
        key="qr",
    )
    world.trigger("pay", "qr_scanned", {"name": "delivery"})
    world.move(papers.deal, "talk")
    drain()
    code = QrCode.objects.get()
    path = "/q/" + code.link().split("/q/")[1]
    page = client.get(path, headers=PHONE).content.decode()
    assert world.contact.name in page
    assert f'href="https://x.pl/{papers.deal.pk}"' in page
    assert client.get(f"{path}code.png").content.startswith(b"\x89PNG")
    client.post(f"{path}seen/", headers={"User-Agent": "WhatsApp/2.2"})
    client.force_login(world.bob)
    client.post(f"{path}seen/", headers=PHONE)
    client.logout()
    assert not Event.objects.filter(kind="qr.scanned").exists()
    for _ in range(2):
        client.post(f"{path}seen/", headers=PHONE)
    drain()
    assert Event.objects.filter(kind="qr.scanned").count() == 1
    assert QrCode.objects.get().scans == 2
    assert Item.objects.get(pk=papers.deal.pk).stage == world.stages["pay"]
    assert client.get("/q/nothing/").status_code == 404


@pytest.mark.django_db
def test_an_address_that_is_none_is_told(world, papers, drain):
    settings = {"name": "x", "heading": "x", "text": "", "button": "Go", "target": "javascript:alert(1)"}
    rule = world.rule("talk", "create_qr", settings)
    world.move(papers.deal, "talk")
    drain()
    assert "is not an address" in world.run_of(rule).error
    assert not QrCode.objects.exists()


@pytest.mark.django_db
def test_a_paper_shows_the_cards_code(world, papers, drain):
    template = papers.templates["offer"]
    template.body = template.body + '<img src="{{ pictures.landing_qr }}">'
    template.save()
    QrCode.objects.create(item=papers.deal, name="x", heading="x")

    made = making.make(template, papers.deal, by=world.bob)
    drain()
    made.refresh_from_db()
    assert (made.status, "landing_qr" in made.data["codes"]) == ("ready", True)

"""Papers sent for signature: the customer is asked, answers, and the evidence is kept behind the paper."""

from __future__ import annotations

import pypdfium2
import pytest

from crm.models import Item, Message
from documents.models import Document


def text_of(file):
    with file.open("rb") as opened:
        pdf = pypdfium2.PdfDocument(opened.read())
    return len(pdf), "".join(page.get_textpage().get_text_range() for page in pdf)


@pytest.mark.django_db
def test_a_contract_is_sent_signed_and_proven(world, papers, client, drain):
    template = papers.templates["contract"]
    settings = {
        "template": str(template.pk), "medium": "sms", "text": "Please sign {{ paper.number }}: {{ paper.link }}", "subject": "",
    }  # fmt: skip
    rule = world.rule("talk", "send_for_signature", settings)
    world.trigger("pay", "document_signed", {"template": ""})
    world.move(papers.deal, "talk")
    drain()
    run, document = world.run_of(rule), Document.objects.get()
    assert (run.status, run.outputs["document"], document.status) == ("done", document.pk, "sent")
    message = Message.objects.get()
    assert message.text == f"Please sign {document.number}: {document.link()}"
    path = "/d/" + document.link().split("/d/")[1]
    client.post(f"{path}answer/", {"answer": "accept", "name": "Nguyễn Thị Zażółć", "agree": "on", "note": "OK"})
    drain()
    document.refresh_from_db()
    assert (document.status, Item.objects.get(pk=papers.deal.pk).stage) == ("accepted", world.stages["pay"])
    before, after = text_of(document.file), text_of(document.signed_file)
    assert after[0] == before[0] + 1
    assert "Nguyễn Thị Zażółć" in after[1]
    assert document.sha256 in after[1].replace("\r\n", "").replace("\ufffe", "")
    with document.signed_file.open("rb") as file:
        assert client.get(f"{path}file.pdf").getvalue() == file.read()
    client.force_login(world.alice)
    assert client.get(f"/documents/{document.pk}/file.pdf?signed").getvalue().startswith(b"%PDF")


@pytest.mark.django_db
def test_a_rule_that_cannot_be_answered_is_refused_when_it_is_saved(world, papers):
    from automation.base import bind
    from automation.models import scope_of
    from documents.actions.send_for_signature import SendForSignature

    raw = {"template": str(papers.templates["invoice"].pk), "medium": "email", "text": "Please sign", "subject": ""}
    form = bind(SendForSignature.Settings, raw, scope_of(world.stages["talk"], None))
    assert not form.is_valid()
    assert set(form.errors) == {"template", "text", "subject"}

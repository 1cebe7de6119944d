"""A world with papers: starter templates in English, the pipeline of invoices, a deal that lists two things."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import pytest

from crm.items.listing import replace_lines
from crm.models import Item, ItemType, LineItem, Pipeline, Stage
from documents import starter
from documents.models import DocumentTemplate, InvoiceFlow


@dataclass
class Papers:
    templates: dict[str, DocumentTemplate]
    flow: InvoiceFlow
    deal: Item


def build_papers(world: Any) -> Papers:
    templates = starter.install("en")
    type_ = ItemType.objects.create(key="invoice", name="Invoice", plural="Invoices")
    pipeline = Pipeline.objects.create(item_type=type_, name="Invoices", currency="PLN")
    kinds = {"draft": "open", "sent": "open", "partly_paid": "open", "overdue": "open", "paid": "won", "void": "lost"}
    stages = {
        name: Stage.objects.create(pipeline=pipeline, name=name.capitalize(), order=order, kind=kind)
        for order, (name, kind) in enumerate(kinds.items())
    }
    flow = InvoiceFlow.objects.create(pipeline=pipeline, **stages)
    deal = world.deal(currency="PLN")
    lines = [
        LineItem(name="Stół dębowy", price=Decimal(1000), tax_name="23 %", tax_percent=Decimal(23)),
        LineItem(name="Bàn gỗ sồi", quantity=2, price=Decimal("50.50"), tax_name="8 %", tax_percent=Decimal(8)),
    ]
    return Papers(templates, flow, replace_lines(deal, lines, by=world.bob))


@pytest.fixture
def papers(world: Any, settings: Any, tmp_path: Any) -> Papers:
    settings.MEDIA_ROOT = str(tmp_path)
    return build_papers(world)

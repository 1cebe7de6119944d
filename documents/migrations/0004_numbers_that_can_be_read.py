"""Amounts past the limit that the next migration sets: noted on their cards, then taken out."""

from django.db import migrations

from crm.ground.decimals import MONEY
from crm.pipelines.upgrades import Column, take_out

COLUMNS = (
    Column("documents.Payment", "amount", MONEY, empty="0", item="invoice_id"),
    Column("documents.Checkout", "amount", MONEY, empty="0", item="invoice_id"),
    Column("documents.PaymentLink", "amount", MONEY, item="invoice_id"),
    Column("documents.StatementLine", "amount", MONEY, empty="0"),
)


def forward(apps, schema_editor):
    take_out(COLUMNS, apps, schema_editor)


class Migration(migrations.Migration):
    dependencies = [("documents", "0003_statement_line_paid"), ("crm", "0016_numbers_that_can_be_read")]
    operations = [migrations.RunPython(forward, migrations.RunPython.noop)]

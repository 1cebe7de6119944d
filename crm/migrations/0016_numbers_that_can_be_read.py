"""Numbers past the limits that the next migration sets: noted on their cards, then taken out."""

from django.db import migrations

from crm.ground.decimals import MONEY, PERCENT, PRICE, QUANTITY, RATE
from crm.pipelines.upgrades import Column, take_out

COLUMNS = (
    Column("crm.Item", "amount", MONEY, item="id"),
    Column("crm.Item", "base_amount", MONEY, item="id"),
    Column("crm.LineItem", "price", PRICE, empty="0", item="item_id"),
    Column("crm.LineItem", "quantity", QUANTITY, empty="0", item="item_id"),
    Column("crm.LineItem", "discount", PERCENT, empty="0", item="item_id"),
    Column("crm.LineItem", "tax_percent", PERCENT, item="item_id"),
    Column("crm.Product", "price", PRICE, empty="0"),
    Column("crm.TaxRate", "percent", PERCENT, empty="0"),
    # Without a rate the sums say that one is missing; a rate of nothing would be believed.
    Column("crm.CurrencyRate", "rate", RATE, empty=None),
)


def forward(apps, schema_editor):
    take_out(COLUMNS, apps, schema_editor)
    # Of an amount that was taken out nothing is left to be summed.
    apps.get_model("crm", "Item").objects.filter(amount=None).exclude(base_amount=None).update(base_amount=None)


class Migration(migrations.Migration):
    dependencies = [("crm", "0015_mail_in")]
    operations = [migrations.RunPython(forward, migrations.RunPython.noop)]

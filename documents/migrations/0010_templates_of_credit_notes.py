"""Who makes invoices gets a template of credit notes in the same languages, in the look of the invoices."""

from django.db import migrations


def add(apps, schema_editor):
    from documents.starter import PREFIXES, body_of
    from documents.starter.words import WORDS

    Template, Version = apps.get_model("documents", "DocumentTemplate"), apps.get_model("documents", "TemplateVersion")
    Numerator = apps.get_model("documents", "Numerator")
    for invoice in Template.objects.filter(kind="invoice").order_by("-is_active", "pk"):
        known = Template.objects.filter(kind="credit_note", language=invoice.language)
        if known.exists() or invoice.language not in WORDS:
            continue
        words = WORDS[invoice.language]
        name, prefix = words["credit_note_title"], words.get("credit_note_prefix", PREFIXES["credit_note"])
        numerator = Numerator.objects.create(
            name=name, pattern=f"{prefix}/{{YYYY}}/{{MM}}/{{NUMBER}}", reset="month", zone=invoice.numerator.zone
        )
        body = body_of("credit_note", invoice.language)
        made = Template.objects.create(
            name=name, kind="credit_note", language=invoice.language, body=body, style=invoice.style, page=invoice.page,
            numerator=numerator, version=1,
        )  # fmt: skip
        made.pipelines.set(invoice.pipelines.all())
        text = {"body": body, "style": invoice.style, "page": invoice.page}
        Version.objects.get_or_create(template=made, number=1, defaults=text)


class Migration(migrations.Migration):
    dependencies = [("documents", "0009_credit_notes")]

    operations = [migrations.RunPython(add, migrations.RunPython.noop, elidable=True)]

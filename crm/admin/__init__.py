"""The administration: Django's own, made good. Modules are imported by the site when it is autodiscovered."""

from django.contrib.admin.apps import AdminConfig


class DealwrightAdminConfig(AdminConfig):
    default = False
    default_site = "crm.admin.site.DealwrightAdminSite"

    def ready(self) -> None:
        super().ready()
        from crm.admin import channels, customers, forms, org, pipelines, records  # noqa: F401

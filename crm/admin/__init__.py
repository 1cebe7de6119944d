"""The administration: Django's own, made good. Modules are imported by the site when it is autodiscovered."""

from importlib import import_module

from django.contrib.admin.apps import AdminConfig

# Modules that put rooms into the administration, in the order of its index.
MODULES = (
    "crm.account.admin.audit",
    "crm.account.admin.org",
    "crm.board.admin",
    "crm.customers.admin",
    "crm.items.admin",
    "crm.messages.admin.channels",
    "crm.messages.admin.mail",
    "crm.pipelines.admin.custom_fields",
    "crm.pipelines.admin.pipelines",
    "crm.pipelines.admin.roles",
    "crm.webforms.admin",
    "crm.webhooks.admin",
)


class DealwrightAdminConfig(AdminConfig):
    default = False
    default_site = "crm.admin.site.DealwrightAdminSite"

    def ready(self) -> None:
        super().ready()
        from django.contrib import admin

        # The queue's own tables hold bells only; rights are roles; addresses, keys and sessions are the person's own.
        foreign = ("django_q", "auth", "account", "mfa", "usersessions")
        for model in [model for model in admin.site._registry if model._meta.app_label in foreign]:
            admin.site.unregister(model)
        for name in MODULES:
            import_module(name)

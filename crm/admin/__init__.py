"""The administration: Django's own, made good. Modules are imported by the site when it is autodiscovered."""

from django.contrib.admin.apps import AdminConfig


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
        from crm.admin.audit import put_in_place_of_the_library_own

        put_in_place_of_the_library_own(admin.site)
        from crm.admin import (  # noqa: F401
            channels,
            connections,
            custom_fields,
            customers,
            forms,
            mail,
            org,
            pipelines,
            products,
            records,
            roles,
        )

from django.apps import AppConfig
from django.db.models.signals import post_migrate


class CrmConfig(AppConfig):
    name = "crm"
    verbose_name = "CRM"

    def ready(self) -> None:
        # Not before all apps are loaded: what registers there has models.
        from crm.items.search_index import make_indexes
        from crm.registry import discover

        discover()
        post_migrate.connect(make_indexes, sender=self)

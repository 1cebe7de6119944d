from __future__ import annotations

from typing import Any

from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from crm.admin.base import ModelAdmin, display, register
from crm.ground.shown import money
from crm.items.models.lines import Product, TaxRate
from crm.pipelines.roles import sees_profit


@register(TaxRate)
class TaxRateAdmin(ModelAdmin):
    list_display = ("name", "percent", "is_default", "order")
    search_fields = ("name",)


@register(Product)
class ProductAdmin(ModelAdmin):
    list_display = ("name", "code", "price_shown", "cost_shown", "unit", "tax", "is_active")
    list_filter = ("is_active", "tax", "currency")
    search_fields = ("search_key",)
    list_select_related = ("tax",)
    fieldsets = (
        (None, {"fields": ("name", "code", "description", "is_active")}),
        (_("Price"), {"fields": ("price", "cost", "currency", "unit", "tax")}),
    )

    def get_list_display(self, request: HttpRequest) -> Any:
        return [name for name in self.list_display if name != "cost_shown" or sees_profit(request.user)]

    @display(description=_("price"), ordering="price")
    def price_shown(self, product: Product) -> str:
        return money(product.price, product.currency)

    @display(description=_("cost price"), ordering="cost")
    def cost_shown(self, product: Product) -> str:
        return money(product.cost, product.currency)

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        """Who sees no profit neither sees nor overwrites what a product costs."""
        found = super().get_fieldsets(request, obj)
        if sees_profit(request.user):
            return found
        hidden = {"cost"}
        return [(name, {**more, "fields": [n for n in more["fields"] if n not in hidden]}) for name, more in found]

from django.utils.translation import gettext_lazy as _

from crm.admin.base import ModelAdmin, register
from crm.items.models.lines import Product, TaxRate


@register(TaxRate)
class TaxRateAdmin(ModelAdmin):
    list_display = ("name", "percent", "is_default", "order")
    search_fields = ("name",)


@register(Product)
class ProductAdmin(ModelAdmin):
    list_display = ("name", "code", "price", "currency", "unit", "tax", "is_active")
    list_filter = ("is_active", "tax", "currency")
    search_fields = ("search_key",)
    list_select_related = ("tax",)
    fieldsets = (
        (None, {"fields": ("name", "code", "description", "is_active")}),
        (_("Price"), {"fields": ("price", "currency", "unit", "tax")}),
    )

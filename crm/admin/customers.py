from crm.admin.base import CappedPaginator, ModelAdmin, TabularInline, register
from crm.models import Company, Contact, ContactEmail, ContactPhone, Tag


class PhoneInline(TabularInline):
    model = ContactPhone
    extra = 1


class EmailInline(TabularInline):
    model = ContactEmail
    extra = 1


@register(Contact)
class ContactAdmin(ModelAdmin):
    list_display = ("name", "company", "language", "owner", "created_at")
    list_filter = ("language", "no_email", "no_sms", "tags")
    search_fields = ("search_key", "name", "emails__address", "phones__number")
    autocomplete_fields = ("company", "owner", "tags")
    list_select_related = ("company", "owner")
    inlines = (PhoneInline, EmailInline)
    exclude = ("custom",)
    show_full_result_count = False
    paginator = CappedPaginator

    def get_search_results(self, request, queryset, search_term):  # type: ignore[no-untyped-def]
        return (queryset.found(search_term) if search_term.strip() else queryset), False


@register(Company)
class CompanyAdmin(ModelAdmin):
    list_display = ("name", "tax_number", "phone", "owner")
    search_fields = ("search_key", "name", "tax_number")
    autocomplete_fields = ("owner", "tags")
    list_select_related = ("owner",)
    exclude = ("custom",)


@register(Tag)
class TagAdmin(ModelAdmin):
    search_fields = ("name",)

from django.contrib import admin
from django.utils.translation import gettext_lazy as _

from crm.admin.base import CappedPaginator, ModelAdmin, TabularInline, display, register
from crm.customers.receipts import ErasureReceipt
from crm.messages.models.refusals import Refusal
from crm.people.exceptions import SenderException
from crm.people.models import Company, Contact, Tag
from crm.people.reach import ContactEmail, ContactPhone


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

    def get_search_results(self, request, queryset, search_term):
        return (queryset.found(search_term) if search_term.strip() else queryset), False


@register(Refusal)
class RefusalAdmin(ModelAdmin):
    """Added by hand where somebody asked one of us; lifted by writing down why. Nothing is changed or deleted."""

    list_display = ("address_shown", "medium", "reason", "since", "lifted_at", "lifted_by")
    list_filter = ("medium", "reason", ("lifted_at", admin.EmptyFieldListFilter))
    search_fields = ("address",)
    list_select_related = ("lifted_by",)
    show_full_result_count = False
    paginator = CappedPaginator

    @display(description=_("address or number"), ordering="address")
    def address_shown(self, row: Refusal) -> str:
        return row.shown_address

    def get_fields(self, request, obj=None):
        if obj is None:
            return ("medium", "address")
        return ("medium", "address", "reason", "words", "since", "message", "lifted_at", "lifted_by", "lifted_why")

    def get_readonly_fields(self, request, obj=None):
        if obj is None:
            return ()
        return [name for name in self.get_fields(request, obj) if name != "lifted_why" or obj.lifted_at]

    def has_delete_permission(self, request, obj=None):
        return False

    def save_model(self, request, obj, form, change):
        if not change:
            Refusal.keep(obj.medium, obj.address, obj.reason)
            obj.pk = Refusal.objects.standing().get(medium=obj.medium, address=obj.address, reason=obj.reason).pk
        elif obj.lifted_why.strip() and obj.lifted_at is None:
            obj.lift(obj.lifted_why.strip(), request.user)


@register(SenderException)
class SenderExceptionAdmin(ModelAdmin):
    list_display = ("__str__", "kind", "reason", "count", "last_at", "added_by", "created_at")
    list_filter = ("kind",)
    search_fields = ("value", "reason")
    list_select_related = ("added_by",)
    fieldsets = (
        (
            None,
            {
                "fields": ("kind", "value", "reason"),
                "description": _(
                    "Mails, forms, SMS and logged calls of whoever stands here are counted and never taken in: no card, no "
                    "message, no notice. An address may be pasted with its name, a number as it is dialled; the domain "
                    "example.com also keeps out mail.example.com; a pattern like *@shop*.example has stars for whatever "
                    "stands there. To stop our own messages to somebody, use the refusals instead."
                ),
            },
        ),
    )
    show_full_result_count = False
    paginator = CappedPaginator

    def save_model(self, request, obj, form, change):
        obj.added_by = obj.added_by or request.user
        super().save_model(request, obj, form, change)


@register(ErasureReceipt)
class ErasureReceiptAdmin(ModelAdmin):
    """Written by erasing alone, and never changed."""

    list_display = ("__str__", "contact_id", "created_at", "by", "why")
    fields = ("contact_id", "created_at", "by", "why", "counts_shown")
    readonly_fields = fields
    list_select_related = ("by",)

    @display(description=_("what was erased"))
    def counts_shown(self, row: ErasureReceipt) -> str:
        return ", ".join(f"{label}: {count}" for label, count in row.counts.items())

    def has_add_permission(self, request):
        return False

    def has_delete_permission(self, request, obj=None):
        return False


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

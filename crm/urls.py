"""Addresses. Every view declares its audience (crm/ground/access.py)."""

from django.contrib import admin
from django.urls import path, register_converter

from crm import slots
from crm.account import views as account
from crm.analytics import views as analytics
from crm.api.urls import routes as api_routes
from crm.board.views import (
    bin,
    board,
    composer,
    converting,
    day,
    item_fields,
    item_list,
    items,
    lines,
    moves,
    rights,
    search,
    setup,
    tasks,
)
from crm.customers.views import contacts, erasing, person
from crm.customers.views import lists as people
from crm.demo import views as shop
from crm.frame import health_page as health
from crm.frame import views as frame
from crm.importing import views as imports
from crm.messages.views import invitations, mail_hooks, outbox, tracking
from crm.notices.views import bell, feed
from crm.webforms import views as public
from crm.webhooks import views as hooks


class DirectoryConverter:
    """The two directories of customers; other pages have addresses of the same shape."""

    regex = "contacts|companies"

    def to_python(self, value: str) -> str:
        return value

    to_url = to_python


register_converter(DirectoryConverter, "directory")

urlpatterns = [
    path("", board.home, name="home"),
    path("board/", board.home, name="board-default"),
    path("board/<int:pk>/", board.board, name="board"),
    path("board/<int:pk>/live/", board.live, name="board-live"),
    path("board/<int:pk>/totals/", board.totals, name="board-totals"),
    path("board/<int:pk>/move/", board.move, name="board-move"),
    path("board/<int:pk>/new/", board.new, name="board-new"),
    path("board/<int:pk>/move-many/", moves.move_many, name="board-move-many"),
    path("board/<int:pk>/list/", item_list.item_list, name="board-list"),
    path("board/<int:pk>/bulk/", item_list.bulk, name="board-bulk"),
    path("board/<int:pk>/filter/", item_list.filter_panel, name="board-filter"),
    path("board/<int:pk>/views/", item_list.save_view, name="board-save-view"),
    path("board/<int:pk>/export.<slug:kind>", item_list.export, name="board-export"),
    path("views/<int:pk>/delete/", item_list.delete_view, name="view-delete"),
    path("moves/undo/", moves.undo, name="move-undo"),
    path("moves/send-now/", moves.send_now, name="move-send-now"),
    path("moves/tidy/", moves.tidy, name="move-tidy"),
    path("items/<int:pk>/transfer/", moves.transfer, name="item-transfer"),
    path("board/column/<int:stage>/", board.column, name="board-column"),
    path("items/<int:pk>/", items.item, name="item"),
    path("items/<int:pk>/edit/", items.edit, name="item-edit"),
    path("items/<int:pk>/move/", items.move, name="item-move"),
    path("items/<int:pk>/timeline/", items.timeline, name="item-timeline"),
    path("items/<int:pk>/field/<str:name>/", item_fields.field, name="item-field"),
    path("items/<int:pk>/write/<slug:kind>/", composer.write, name="item-write"),
    path("items/<int:pk>/mail-template/", composer.mail_template, name="item-mail-template"),
    path("events/<int:pk>/pin/", composer.pin, name="event-pin"),
    path("events/<int:pk>/accept/", invitations.accept, name="invitation-accept"),
    path("messages/<int:pk>/settle/", composer.settle, name="message-settle"),
    path("items/<int:pk>/lines/", lines.lines, name="item-lines"),
    path("products/suggest/", lines.products, name="products"),
    path("items/<int:pk>/rights/", rights.item_rights, name="item-rights"),
    path("items/<int:pk>/delete/", items.delete, name="item-delete"),
    path("contacts/suggest/", people.suggest, name="contact-suggest"),
    path("contacts/<int:pk>/erase/", erasing.erase, name="contact-erase"),
    path("contacts/<int:pk>/split/", contacts.split, name="contact-split"),
    path("contacts/<int:pk>/lift/<int:refusal>/", contacts.lift, name="contact-lift"),
    path("contacts/<int:pk>/address/", contacts.confirm_address, name="contact-address"),
    path("contacts/<int:pk>/", person.person, {"kind": "contacts"}, name="contact"),
    path("companies/<int:pk>/", person.person, {"kind": "companies"}, name="company"),
    path("contacts/filter/", people.filter_panel, {"kind": "contacts"}, name="contacts-filter"),
    path("companies/filter/", people.filter_panel, {"kind": "companies"}, name="companies-filter"),
    path("<directory:kind>/<int:pk>/edit/", person.edit, name="people-edit"),
    path("<directory:kind>/<int:pk>/card/", person.new_card, name="people-card"),
    path("<directory:kind>/<int:pk>/history/", person.history, name="people-history"),
    path("<directory:kind>/<int:pk>/merge/", people.merge, name="people-merge"),
    path("contacts/", people.people, {"kind": "contacts"}, name="contacts"),
    path("companies/", people.people, {"kind": "companies"}, name="companies"),
    path("contacts/new/", people.new, {"kind": "contacts"}, name="contact-new"),
    path("companies/new/", people.new, {"kind": "companies"}, name="company-new"),
    path("<directory:kind>/export.<slug:form>", people.export, name="people-export"),
    path("import/", imports.imports, name="imports"),
    path("import/<int:pk>/", imports.one, name="import"),
    path("import/<int:pk>/step/", imports.step, name="import-step"),
    path("import/<int:pk>/wrong.csv", imports.wrong_rows, name="import-wrong"),
    path("setup/pipelines/<int:pk>/end/", setup.end_pipeline, name="pipeline-end"),
    path("setup/stages/<int:pk>/remove/", setup.retire_stage, name="stage-remove"),
    path("analytics/", analytics.home, name="analytics-home"),
    path("analytics/<int:pk>/", analytics.analytics_page, name="analytics"),
    path("analytics/<int:pk>/<slug:key>.csv", analytics.table, name="analytics-table"),
    path("feed/", feed.feed, name="feed"),
    path("feed/files/<int:pk>/", feed.download, name="feed-file"),
    path("feed/names/", feed.mention_names, name="mention-names"),
    path("feed/<int:pk>/delete/", feed.delete_post, name="feed-delete"),
    path("<directory:kind>/<int:pk>/delete/", people.delete, name="people-delete"),
    path("items/<int:pk>/convert/", converting.convert, name="item-convert"),
    path("files/<int:pk>/", composer.download, name="file"),
    path("search/", search.search, name="search"),
    path("bin/", bin.recycle_bin, name="bin"),
    path("bin/<int:pk>/restore/", bin.restore, name="bin-restore"),
    path("tasks/<int:pk>/status/", tasks.task_status, name="task-status"),
    path("tasks/<int:pk>/", tasks.task, name="task"),
    path("day/", day.day, name="day"),
    path("calendar/", day.calendar, name="calendar"),
    path("calendar/feed/", day.feed_switch, name="calendar-feed-switch"),
    path("calendar/<str:token>.ics", day.feed, name="calendar-feed"),
    path("bell/", bell.bell, name="bell"),
    path("outbox/", outbox.outbox, name="outbox"),
    path("outbox/<int:pk>/", outbox.message, name="outbox-message"),
    path("outbox/<int:pk>/as-customer/", outbox.as_customer, name="outbox-as-customer"),
    path("outbox/<int:pk>/card/", outbox.put_on_card, name="outbox-put-on-card"),
    path("outbox/<int:pk>/make-card/", outbox.make_card, name="outbox-make-card"),
    path("outbox/<int:pk>/raw/", outbox.raw, name="outbox-raw"),
    path("outbox/<int:pk>/body/", outbox.body, name="outbox-body"),
    *account.urls,
    path("theme/", account.theme, name="theme"),
    path("hooks/<str:token>/", hooks.inbound, name="hook"),
    path("twilio/sms/<int:pk>/", hooks.twilio_sms, name="twilio-sms"),
    path("twilio/status/<uuid:public_id>/", hooks.twilio_status, name="twilio-status"),
    path("mail/<int:pk>/<slug:what>/", mail_hooks.delivery_service, name="mail-hook"),
    path("m/<uuid:public_id>/o.gif", tracking.mail_open, name="mail-open"),
    path("m/<uuid:public_id>/unsubscribe/", tracking.unsubscribe, name="mail-unsubscribe"),
    path("m/<uuid:public_id>/<int:place>/", tracking.mail_link, name="mail-link"),
    path("f/<slug:slug>/", public.form, name="form"),
    path("embed.js", public.embed_script, name="embed"),
    path("demo/shop/", shop.shop, name="demo-shop"),
    path("healthz", health.healthz, name="healthz"),
    path("api/v1/", api_routes()),
    *slots.routes,
    path("admin/", admin.site.urls),
]

handler400 = frame.bad_request

handler500 = "crm.frame.outage.broken"

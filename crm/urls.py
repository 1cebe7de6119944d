"""Addresses. Every view declares its audience (crm/access.py)."""

from django.contrib import admin
from django.urls import path

from crm import slots
from crm.views import account, bell, board, frame, health, item_list, items, moves, outbox, public, shop

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
    path("board/<int:pk>/export.csv", item_list.export, name="board-export"),
    path("views/<int:pk>/delete/", item_list.delete_view, name="view-delete"),
    path("moves/undo/", moves.undo, name="move-undo"),
    path("moves/send-now/", moves.send_now, name="move-send-now"),
    path("moves/tidy/", moves.tidy, name="move-tidy"),
    path("items/<int:pk>/transfer/", moves.transfer, name="item-transfer"),
    path("board/column/<int:stage>/", board.column, name="board-column"),
    path("items/<int:pk>/", items.item, name="item"),
    path("items/<int:pk>/edit/", items.edit, name="item-edit"),
    path("items/<int:pk>/move/", items.move, name="item-move"),
    path("items/<int:pk>/comment/", items.comment, name="item-comment"),
    path("items/<int:pk>/delete/", items.delete, name="item-delete"),
    path("tasks/<int:pk>/status/", items.task_status, name="task-status"),
    path("bell/", bell.bell, name="bell"),
    path("outbox/", outbox.outbox, name="outbox"),
    path("outbox/<int:pk>/", outbox.message, name="outbox-message"),
    path("outbox/<int:pk>/body/", outbox.body, name="outbox-body"),
    path("login/", account.login, name="login"),
    path("logout/", account.logout, name="logout"),
    path("theme/", account.theme, name="theme"),
    path("f/<slug:slug>/", public.form, name="form"),
    path("embed.js", public.embed_script, name="embed"),
    path("demo/shop/", shop.shop, name="demo-shop"),
    path("healthz", health.healthz, name="healthz"),
    *slots.routes,
    path("admin/", admin.site.urls),
]

handler400 = frame.bad_request

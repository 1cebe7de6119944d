"""Addresses of the top layer; added to the site through the *routes* slot."""

from django.urls import path

from documents.views import crediting, customer, papers, paying, qr, statements, templates

routes = [
    path("documents/", papers.papers, name="documents"),
    path("documents/<int:pk>/", papers.paper, name="document"),
    path("documents/<int:pk>/file.pdf", papers.file, name="document-file"),
    path("documents/<int:pk>/page/<int:number>.webp", papers.picture, name="document-picture"),
    path("documents/<int:pk>/<slug:verb>/", papers.act, name="document-act"),
    path("documents/templates/<int:pk>/edit/", templates.edit, name="template-edit"),
    path("documents/templates/<int:pk>/preview/", templates.preview, name="template-preview"),
    path("items/<int:pk>/documents/", papers.make, name="document-make"),
    path("items/<int:pk>/credit/", crediting.credit, name="credit-note"),
    path("items/<int:pk>/payments/", papers.pay, name="payment-book"),
    path("d/<str:token>/", customer.page, name="document-public"),
    path("d/<str:token>/file.pdf", customer.file, name="document-public-file"),
    path("d/<str:token>/page/<int:number>.webp", customer.picture, name="document-public-picture"),
    path("d/<str:token>/seen/", customer.seen, name="document-seen"),
    path("d/<str:token>/answer/", customer.answer, name="document-answer"),
    path("payments/statements/", statements.statements, name="statements"),
    path("payments/statements/<int:pk>/", statements.statement, name="statement"),
    path("d/<str:token>/pay/", paying.pay_document, name="pay-document"),
    path("q/<str:token>/", qr.page, name="qr"),
    path("q/<str:token>/code.png", qr.picture, name="qr-picture"),
    path("q/<str:token>/seen/", qr.seen, name="qr-seen"),
    path("pay/<str:token>/", paying.pay, name="pay"),
    path("payments/provider/<int:pk>/", paying.provider_call, name="provider-call"),
]

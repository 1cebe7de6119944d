"""Addresses of the middle layer; added to the site through the *routes* slot."""

from django.urls import path

from automation.views import approvals, catalogue, runs

routes = [
    path("board/<int:pk>/rules/", catalogue.page, name="catalogue"),
    path("approvals/<int:pk>/", approvals.approval, name="approval"),
    path("approve/<str:token>/", approvals.approval_public, name="approval-public"),
    path("runs/<int:pk>/", runs.run_control, name="run-control"),
    path("visits/<int:pk>/stop/", runs.visit_stop, name="visit-stop"),
    path("items/<int:pk>/resume/", runs.item_resume, name="item-resume"),
]

"""Addresses of the middle layer; added to the site through the *routes* slot."""

from django.urls import path

from automation.views import approvals, catalogue, designer, panel, runs, transfers, versions

routes = [
    path("board/<int:pk>/rules/", catalogue.page, name="catalogue"),
    path("automation/", designer.home, name="designer-home"),
    path("automation/<int:pk>/", designer.page, name="designer"),
    path("automation/<int:pk>/do/", designer.operate, name="designer-do"),
    path("automation/<int:pk>/place/", designer.place, name="designer-place"),
    path("automation/<int:pk>/places/", transfers.places, name="designer-places"),
    path("automation/<int:pk>/transfer/", transfers.transfer_parts, name="designer-transfer"),
    path("automation/<int:pk>/undo/", designer.step, {"way": "undo"}, name="designer-undo"),
    path("automation/<int:pk>/redo/", designer.step, {"way": "redo"}, name="designer-redo"),
    path("automation/<int:pk>/state/", designer.state, name="designer-state"),
    path("automation/<int:pk>/versions/", versions.versions, name="designer-versions"),
    path("automation/<int:pk>/versions/<int:number>/name/", versions.rename, name="designer-version-name"),
    path("automation/<int:pk>/versions/<int:number>/restore/", versions.restore, name="designer-restore"),
    path("automation/<int:pk>/comparison/", versions.comparison, name="designer-comparison"),
    path("automation/<int:pk>/publish/", designer.publication, name="designer-publish"),
    path("automation/<int:pk>/condition-row/", panel.condition_row, name="designer-condition-row"),
    path("automation/<int:pk>/discard/", designer.discard, name="designer-discard"),
    path("automation/<int:pk>/parts/<slug:id>/", panel.part, name="designer-part"),
    path("automation/<int:pk>/parts/<slug:id>/sample/", panel.sample, name="designer-sample"),
    path("automation/<int:pk>/parts/<slug:id>/count/", panel.matching, name="designer-count"),
    path("automation/<int:pk>/parts/<slug:id>/switch/", designer.turn, name="designer-switch"),
    path("approvals/<int:pk>/", approvals.approval, name="approval"),
    path("approve/<str:token>/", approvals.approval_public, name="approval-public"),
    path("runs/<int:pk>/", runs.run_control, name="run-control"),
    path("visits/<int:pk>/stop/", runs.visit_stop, name="visit-stop"),
    path("items/<int:pk>/resume/", runs.item_resume, name="item-resume"),
]

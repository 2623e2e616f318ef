from django.urls import path

from adjustments import many, pages, panels, verbs
from adjustments.elsewhere import views as elsewhere
from adjustments.reconciliation import views as reconciliation

app_name = "adjustments"

urlpatterns = [
    path("", pages.adjustments, name="adjustments"),
    path("export/", pages.export, name="export"),
    path("propose/", verbs.propose, name="propose"),
    path("propose/several/", many.propose_several, name="propose_several"),
    path("reconciliation/", reconciliation.reconciliation, name="reconciliation"),
    path("reconciliation/<slug:slug>/", reconciliation.reconcile, name="reconcile"),
    # fragments for other pages
    path("for/anomaly/<int:pk>/", panels.for_anomaly, name="for_anomaly"),
    # one request
    path("<uuid:pk>/", pages.adjustment, name="adjustment"),
    path("<uuid:pk>/lines.csv", pages.lines, name="lines"),
    path("<uuid:pk>/moved/", pages.moved, name="moved"),
    path("<uuid:pk>/preview/", pages.preview, name="preview"),
    path("<uuid:pk>/preview/again/", verbs.preview_again, name="preview_again"),
    path("<uuid:pk>/edit/", verbs.edit, name="edit"),
    path("<uuid:pk>/decide/", verbs.decide, name="decide"),
    path("<uuid:pk>/approve/", verbs.approve, name="approve"),
    path("<uuid:pk>/reject/", verbs.reject, name="reject"),
    path("<uuid:pk>/withdraw/", verbs.withdraw, name="withdraw"),
    path("<uuid:pk>/carried-out/", elsewhere.carried_out, name="carried_out"),
    path("<uuid:pk>/retry/", verbs.ask, {"verdict": "retry"}, name="retry"),
    path("<uuid:pk>/cancel/", verbs.ask, {"verdict": "cancel"}, name="cancel"),
]

from django.urls import path

from anomalies.views import anomaly, bulk, queue, search, subject, verbs

app_name = "anomalies"

urlpatterns = [
    # /anomalies/
    path("anomalies/", queue.queue, name="queue"),
    path("anomalies/export.csv", queue.export, name="export"),
    path("anomalies/bulk/", bulk.bulk, name="bulk"),
    # /anomalies/<id>/
    path("anomalies/<int:pk>/", anomaly.anomaly, name="anomaly"),
    path("anomalies/<int:pk>/claim/", verbs.claim, name="claim"),
    path("anomalies/<int:pk>/release/", verbs.release, name="release"),
    path("anomalies/<int:pk>/snooze/", verbs.snooze, name="snooze"),
    path("anomalies/<int:pk>/dismiss/", verbs.dismiss, name="dismiss"),
    path("anomalies/<int:pk>/reopen/", verbs.reopen, name="reopen"),
    path("anomalies/<int:pk>/note/", verbs.note, name="note"),
    path("anomalies/<int:pk>/tick/", verbs.tick, name="tick"),
    path("anomalies/<int:pk>/untick/", verbs.untick, name="untick"),
    path("anomalies/<int:pk>/recheck/", verbs.recheck, name="recheck"),
    path("anomalies/<int:pk>/unmask/", anomaly.unmask, name="unmask"),
    # /subjects/
    path("subjects/<slug:slug>/<slug:kind>/<path:subject>/unmask/", subject.unmask, name="unmask_subject"),
    path("subjects/<slug:slug>/<slug:kind>/<path:subject>/", subject.subject, name="subject"),
    # /search/
    path("search/", search.results, name="search"),
]

from django.urls import include, path

from billingadmin.navigation import navigation
from health.desk import room_urls
from health.pulse import healthz, readyz
from health.views import today

handler400 = "billingadmin.errors.bad_request"
handler403 = "billingadmin.errors.permission_denied"
handler404 = "billingadmin.errors.not_found"
handler500 = "billingadmin.errors.server_error"

urlpatterns = [
    path("", include("accounts.urls")),
    path("audit/", include("audit.urls")),
    path("accounts/", include("allauth.urls")),
    path("adjustments/", include("adjustments.urls")),
    path("freezes/", include("adjustments.freezes.urls")),
    path("policy/", include("adjustments.policies.urls")),
    path("switches/", include("adjustments.switches.urls")),
    path("", include("anomalies.urls")),
    path("i18n/", include("django.conf.urls.i18n")),
    path("navigation/", navigation, name="navigation"),
    path("", today, name="today"),
    path("health/", include("health.urls")),
    path("healthz", healthz, name="healthz"),
    path("jobs/", include("jobs.urls")),
    path("readyz", readyz, name="readyz"),
    path("systems/", include((room_urls(), "rooms"))),
]

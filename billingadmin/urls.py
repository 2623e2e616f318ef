from django.urls import include, path

handler400 = "billingadmin.errors.bad_request"
handler403 = "billingadmin.errors.permission_denied"
handler404 = "billingadmin.errors.not_found"
handler500 = "billingadmin.errors.server_error"

urlpatterns = [
    path("", include("accounts.urls")),
    path("audit/", include("audit.urls")),
    path("accounts/", include("allauth.urls")),
    path("i18n/", include("django.conf.urls.i18n")),
    path("jobs/", include("jobs.urls")),
]

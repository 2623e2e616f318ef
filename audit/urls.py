from django.urls import path

from audit import views

app_name = "audit"
urlpatterns = [
    path("", views.entries, name="entries"),
    path("<int:position>/", views.entry, name="entry"),
    path("export/", views.export, name="export"),
    path("export/whole/", views.whole, name="whole"),
    path("verify/", views.verification, name="verify"),
]

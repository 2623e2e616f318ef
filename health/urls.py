from django.urls import path

from health import views

app_name = "health"

urlpatterns = [
    path("", views.systems, name="systems"),
    path("<slug:slug>/", views.system, name="system"),
    path("<slug:slug>/probe/", views.probe, name="probe"),
]

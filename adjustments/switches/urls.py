from django.urls import path

from adjustments.switches import pages, panels

app_name = "switches"
urlpatterns = [
    path("", pages.switches, name="switches"),
    # a fragment for the pages of a room
    path("for/<slug:slug>/", panels.for_system, name="for_system"),
    path("flips/<int:pk>/review/", pages.review, name="review"),
    path("<slug:slug>/<slug:code>/", pages.switch, name="switch"),
    path("<slug:slug>/<slug:code>/flip/", pages.flip, name="flip"),
]

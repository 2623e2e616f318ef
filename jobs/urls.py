from django.urls import path

from jobs import views

app_name = "jobs"

urlpatterns = [
    path("", views.jobs, name="jobs"),
    path("letters/", views.letters, name="letters"),
    path("letters/<int:pk>/", views.letter, name="letter"),
    path("letters/<int:pk>/again/", views.send_again, name="send_again"),
    path("tasks/<int:task_id>/retry/", views.retry, name="retry"),
    path("<str:name>/", views.job, name="job"),
    path("<str:name>/run/", views.run, name="run"),
]

from django.urls import path

from adjustments.policies import pages

app_name = "policy"
urlpatterns = [
    path("", pages.policy, name="policy"),
    path("add/", pages.add, name="add"),
    path("rules/<int:pk>/change/", pages.change, name="change"),
    path("rules/<int:pk>/retire/", pages.retire, name="retire"),
    # what waits for a second admin
    path("changes/<int:pk>/confirm/", pages.confirm, name="confirm"),
    path("changes/<int:pk>/refuse/", pages.refuse, name="refuse"),
    path("changes/<int:pk>/withdraw/", pages.withdraw, name="withdraw"),
]

from django.urls import include, path

from accounts import demo_codes, security_key, views
from accounts.preferences import preferences

people = [
    path("", views.people, name="people"),
    path("invite/", views.invite, name="invite"),
    path("<int:pk>/", views.person, name="person"),
    path("<int:pk>/ask/", views.ask, name="ask"),
    # what waits for a second admin
    path("changes/<int:pk>/confirm/", views.confirm, name="confirm"),
    path("changes/<int:pk>/refuse/", views.refuse, name="refuse"),
    path("changes/<int:pk>/withdraw/", views.withdraw, name="withdraw"),
]
urlpatterns = [
    path("accounts/settings/", preferences, name="preferences"),
    path("accounts/demo-codes/", demo_codes.demo_codes, name="demo_codes"),
    path("accounts/security-key/", security_key.ask, name="ask_security_key"),
    path("people/", include((people, "people"))),
]

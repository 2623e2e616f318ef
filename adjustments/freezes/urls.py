from django.urls import path

from adjustments.freezes import pages

app_name = "freezes"
urlpatterns = [
    path("", pages.freezes, name="freezes"),
    path("new/", pages.new, name="new"),
    path("<int:pk>/", pages.freeze, name="freeze"),
    # lifting it
    path("<int:pk>/ask/", pages.ask, name="ask"),
    path("<int:pk>/thaws/<int:thaw>/confirm/", pages.confirm, name="confirm"),
    path("<int:pk>/thaws/<int:thaw>/refuse/", pages.refuse, name="refuse"),
    path("<int:pk>/thaws/<int:thaw>/withdraw/", pages.withdraw, name="withdraw"),
]

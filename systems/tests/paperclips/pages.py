from django.http import HttpResponse

from systems.base import Page

PAGES = (
    Page(path="shelf/", name="shelf", title="The shelf", view=lambda request, desk: HttpResponse(desk.system.label)),
)

"""The questions every verb is asked: it refuses GET, it refuses who may not, it goes back or gives the row."""

from django.urls import reverse

from audit.models import Entry

HTMX = {"HX-Request": "true"}


def url(verb, anomaly):
    return reverse(f"anomalies:{verb}", args=[anomaly.pk])


def refuses_get(client, verb, anomaly):
    return client.get(url(verb, anomaly)).status_code == 405


def refuses(client, verb, anomaly, **data):
    return client.post(url(verb, anomaly), data).status_code == 403


def page(client, verb, anomaly, **data):
    """The answer to a form without htmx, with where it leads and what is said there."""
    return client.post(url(verb, anomaly), data, follow=True)


def row(client, verb, anomaly, **data):
    """The answer to htmx."""
    return client.post(url(verb, anomaly), data, headers=HTMX)


def said(response):
    return [str(message) for message in response.context["messages"]]


def entries(anomaly, action=None):
    found = Entry.objects.about("anomaly", str(anomaly.pk)).order_by("position")
    return list(found.filter(action_type=action) if action else found)

"""One page with every part of the console on it, and the little that it needs to be operated. Tests only."""

from datetime import UTC, date, datetime, timedelta
from pathlib import Path

from django import forms
from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.template import engines
from django.urls import include, path

from billingadmin import charts
from billingadmin.audience import audience
from billingadmin.http import HtmxHttpRequest, with_messages
from billingadmin.navigation import navigation
from billingadmin.tones import LEVELS, SEVERITIES, STATES

PAGE = Path(__file__).with_name("gallery.html")
NOW = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)
DAYS = [date(2026, 11, 1) + timedelta(days=day) for day in range(20)]


class Proposal(forms.Form):
    correction = forms.ChoiceField(choices=[("refund", "Post the missing refund")])
    amount = forms.CharField(help_text="In credits.")
    reason = forms.CharField(widget=forms.Textarea, help_text="What an auditor should read in a year.")
    urgent = forms.BooleanField(label="Today", required=False)


def drawn() -> list[charts.Chart]:
    counts = [day % 5 for day in range(len(DAYS))]
    hours = [(NOW + timedelta(hours=hour), None if hour == 3 else 300 + hour) for hour in range(12)]
    return [
        charts.bars(
            DAYS, {"failed": counts, "succeeded": counts[::-1]}, title="Found per day", finding="40 in 20 days."
        ),
        charts.line(
            hours,
            title="Jobs per hour",
            finding="As usual.",
            unit="jobs",
            band=(280, 320),
            limits=[charts.Limit(400, "warning", "warn"), charts.Limit(500, "critical", "critical")],
            flagged=[7],
        ),
        charts.bars(DAYS, {"all": counts}, title="Narrow", finding="40.", width=charts.NARROW),
    ]


def written(source: str, request: HttpRequest, **context: object) -> HttpResponse:
    return HttpResponse(engines["django"].from_string(source).render(context, request))


@audience("read")
def gallery(request: HttpRequest) -> HttpResponse:
    context = {
        "now": NOW,
        "today": NOW.date(),
        "earlier": NOW - timedelta(minutes=5),
        "numbers": range(1, 6),
        "charts": drawn(),
        "form": Proposal({"amount": "12,5"}),
        "levels": LEVELS,
        "severities": SEVERITIES,
        "states": STATES,
        "page": {"before": "b", "after": "a"},
        "facts": {"job_id": "5a4bb1c6-2f6e-4b0e-9cb3-8db7f0d2a511", "refunded_at": None, "tries": 3},
        "spark": charts.sparkline([3, 5, 4, 9], label="Four days, now 9"),
        "share": charts.share_bar([("succeeded", 90), ("failed", 10)], label="By status"),
    }
    return written(PAGE.read_text(encoding="utf-8"), request, **context)


@audience("read")
def row(request: HtmxHttpRequest, number: int) -> HttpResponse:
    if not request.htmx:
        return gallery(request)
    messages.success(request, f"Row {number} is yours")
    source = '<tr data-row id="row-{{ n }}"><td></td><th scope="row"><a href="/row/{{ n }}/">Taken</a></th></tr>'
    return with_messages(request, written(source, request, n=number))


@audience("read")
def gone(request: HttpRequest) -> HttpResponse:
    raise Http404


urlpatterns = [
    path("", gallery),
    path("anomalies/", gallery),
    path("row/<int:number>/", row),
    path("gone/", gone),
    path("accounts/", include("allauth.urls")),
    path("i18n/", include("django.conf.urls.i18n")),
    path("navigation/", navigation, name="navigation"),
]

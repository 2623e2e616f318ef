"""One's own zone, language and theme."""

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import translation
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from accounts.forms import PreferencesForm
from accounts.models import Person
from billingadmin.audience import audience


@require_http_methods(["GET", "POST"])
@audience("signed_in")
def preferences(request: HttpRequest) -> HttpResponse:
    own = {name: getattr(request.user, name) for name in PreferencesForm.base_fields}
    form = PreferencesForm(request.POST or None, initial=own)
    if not form.is_valid():
        return render(request, "accounts/preferences.html", {"form": form}, status=422 if form.is_bound else 200)
    Person.objects.filter(pk=request.user.pk).update(**form.cleaned_data)
    with translation.override(form.cleaned_data["language"]):
        messages.success(request, _("Saved."))
    return redirect("preferences")

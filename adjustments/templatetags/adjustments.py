"""A request in the words of its room."""

from typing import Any

from django import template

from adjustments.elsewhere import views
from adjustments.listing import approvers_of
from adjustments.wording import label_of, title_of

register = template.Library()
register.filter("correction_title", title_of)
register.filter("system_label", label_of)
register.filter("approvers_of", approvers_of)


@register.inclusion_tag("adjustments/_elsewhere.html", takes_context=True)
def elsewhere(context: template.Context, adjustment: Any) -> dict[str, Any]:
    """{% elsewhere adjustment %}: its calls to the outside, or what a person does by hand."""
    told = views.told(adjustment, context["request"].user, context.get("done_form"))
    return told | {name: context.get(name) for name in ("csrf_token", "now")}

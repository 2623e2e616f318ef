"""A request in the words of its room."""

from django import template

from adjustments.listing import approvers_of
from adjustments.wording import label_of, title_of

register = template.Library()
register.filter("correction_title", title_of)
register.filter("system_label", label_of)
register.filter("approvers_of", approvers_of)

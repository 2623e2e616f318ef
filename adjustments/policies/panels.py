"""What the policy adds to others' screens: deadlines that are near, for the boards."""

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from django.urls import reverse
from django.utils.translation import gettext as _

from adjustments.expiry import near_their_end


def figures(now: datetime) -> Mapping[str, Sequence[Mapping[str, Any]]]:
    near = Counter(adjustment.system for adjustment in near_their_end(now))
    url = reverse("adjustments:adjustments")
    return {
        slug: [
            {
                "label": _("Deadline near"),
                "value": str(count),
                "level": "warning",
                "note": _("They expire unless somebody acts."),
                "url": f"{url}?tab=all&system={slug}",
            }
        ]
        for slug, count in near.items()
    }

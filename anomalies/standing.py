"""How much is open: by severity, and in money. Kept with each run, so that its course over time costs nothing."""

from collections import Counter
from typing import Any

from django.db.models import Count, Sum

from anomalies.models import Anomaly


def standing(slug: str) -> dict[str, Any]:
    rows = list(
        Anomaly.objects.for_system(slug)
        .at_risk()
        .values("state", "severity", "unit")
        .annotate(count=Count("pk"), amount=Sum("at_risk"))
    )
    open_, at_risk = Counter(), Counter()
    for row in rows:
        if row["state"] == "open":
            open_[row["severity"]] += row["count"]
        if row["unit"]:
            at_risk[row["unit"]] += row["amount"]
    return {"open": dict(open_), "at_risk": dict(at_risk)}

from systems.base import Routine, Runbook, Step

RUNBOOK = Runbook(
    routines=(
        Routine(
            code="daily",
            title="Every morning",
            rhythm="daily",
            steps=(Step(code="shipped", text="Look at how many orders are shipped.", probe="shipped"),),
        ),
    ),
    triage={"shipped_unpaid": (Step(code="ask", text="Ask the bank whether the money arrived."),)},
)

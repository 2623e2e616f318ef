from systems.base import Runbook

RUNBOOK = Runbook()

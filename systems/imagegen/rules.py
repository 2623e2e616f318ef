from systems.base import Facts, Rule

FACTS: tuple[Facts, ...] = ()
RULES: tuple[Rule, ...] = ()

-- benefits_as --
select adjustments_benefits(%(person)s, %(content)s);

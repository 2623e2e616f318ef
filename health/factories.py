import factory

from health.models import Reading


class ReadingFactory(factory.django.DjangoModelFactory):
    """A calm reading of the paperclip shop; ``unknown=True`` is one that could not be taken."""

    class Meta:
        model = Reading

    class Params:
        unknown = factory.Trait(level="unknown", value=None, why="Nobody answers.")

    system = "paperclips"
    probe = "shipped"
    level = "ok"
    value = 3
    unit = "orders"
    why = "3 orders are shipped."

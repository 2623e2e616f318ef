from datetime import UTC, datetime

import factory

from systems.tests.paperclips.models import Order, Payment

MOMENT = datetime(2026, 11, 2, 3, 0, tzinfo=UTC)


class OrderFactory(factory.django.DjangoModelFactory):
    class Meta:
        model = Order
        database = "paperclips_writer"

    id = factory.Sequence(lambda number: number + 1)
    customer = "Hanako"
    state = "open"
    total = 500
    changed_at = MOMENT

    class Params:
        shipped = factory.Trait(state="shipped")
        sample = factory.Trait(state="shipped", total=0)


class PaymentFactory(factory.django.DjangoModelFactory):
    class Meta:
        model = Payment
        database = "paperclips_writer"

    order_id = 1
    amount = 500
    paid_at = MOMENT

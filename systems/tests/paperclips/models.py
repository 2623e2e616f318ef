from django.db import models


class Order(models.Model):
    id = models.IntegerField(primary_key=True)
    customer = models.TextField()
    state = models.TextField()
    total = models.IntegerField()
    changed_at = models.DateTimeField()

    class Meta:
        managed = False
        db_table = "orders"


class Payment(models.Model):
    order_id = models.IntegerField()
    amount = models.IntegerField()
    paid_at = models.DateTimeField()
    voided = models.BooleanField(default=False)

    class Meta:
        managed = False
        db_table = "payments"

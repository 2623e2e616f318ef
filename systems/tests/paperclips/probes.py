from systems.base import Level, Measurement, Probe, Source


def unpaid(source: Source) -> Measurement:
    count = source.one("shipped")["orders"]
    return Measurement(level=Level.OK if count < 10 else Level.WARNING, value=count, why=f"{count} orders are shipped.")


PROBES = (Probe(code="shipped", title="Shipped orders", unit="orders", measure=unpaid),)

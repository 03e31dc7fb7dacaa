"""Traffic as ingest stores it: rows by minute, and what is summed up of them."""

from typing import Any

from portal.analytics.models import TrafficMinute
from portal.analytics.summaries import summaries_add
from portal.apis.models import ApiInstance


def traffic_store(instance: ApiInstance, **fields: Any) -> TrafficMinute:
    """Store a row of an API instance."""
    row = TrafficMinute.objects.create(
        organization_id=instance.environment.organization_id,
        environment_id=instance.environment_id,
        gateway_id=instance.gateway_id,
        instance=str(instance.pk),
        **{"status": 200, **fields},
    )
    summaries_add([row])
    return row

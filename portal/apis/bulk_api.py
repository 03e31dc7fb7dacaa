"""REST: one action on many API instances."""

from portal.apis.bulk_actions import PLACE
from portal.apis.models import ApiInstance
from portal.apis.selectors import instances_for_list
from portal.core.bulk_api import BulkView


class InstanceBulkView(BulkView):
    """One action on many API instances."""

    place = PLACE
    queryset = instances_for_list(ApiInstance.objects)
    view_permission = "instance.view"

"""The console's page about one action on many API instances."""

from portal.apis.bulk_actions import PLACE
from portal.apis.models import ApiInstance
from portal.apis.selectors import instances_for_list
from portal.core.bulk_pages import BulkPage


class InstanceBulk(BulkPage):
    """What is done to the chosen instances."""

    queryset = instances_for_list(ApiInstance.objects)
    permission = "instance.view"
    parents = (("APIs", "apis:list"),)
    bulk_place = PLACE
    rest_path = "/api-instances/bulk/"
    list_url_name = "apis:list"
    thing = "API instance"

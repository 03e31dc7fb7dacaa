"""Questions about API instances."""

from portal.apis.models import Route
from portal.apis.selectors import instance_dependents
from portal.policies.models import PolicyBinding


def test_what_goes_with_an_instance_is_counted_of_whatever_app(world):
    Route.objects.create(instance=world.instance, name="second")
    PolicyBinding.objects.create(instance=world.instance, policy="cors", order=1)
    assert sorted(instance_dependents(world.instance)) == ["1 policy", "1 service", "2 routes"]

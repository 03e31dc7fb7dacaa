"""The tests' own world is what its docstring says."""

from portal.celery import app as celery
from portal.organizations.models import Environment, Organization
from tests.portal.base import PortalTestCase, World


class WorldTests(PortalTestCase):
    def test_owner_and_viewer_share_one_organization(self) -> None:
        for user in (self.world.ada, self.world.ben):
            seen = Organization.objects.visible_to(user, "organization.view")
            self.assertQuerySetEqual(seen, [self.world.organization])

    def test_developer_sees_no_environment(self) -> None:
        self.assertFalse(Environment.objects.visible_to(self.world.cora, "environment.view").exists())


def test_jobs_wait_in_memory(world: World) -> None:
    assert celery.conf.broker_url == "memory://"
    assert world.instance.gateway == world.gateway

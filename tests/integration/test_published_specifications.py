"""Policies that work by the specification of an API version, from its import in the portal to the real gateway."""

import json
from pathlib import Path

import pytest

from tests.integration.gateway.conftest import GatewayProcess, backend, call
from tests.integration.portal_home import PortalHome
from tests.stack import free_ports, wait_until

pytestmark = pytest.mark.integration
__all__ = ["backend"]

SPECIFICATION = """
from portal.catalog.services import specification_import
specification_import(actor=ada, api_version=instance.api_version, source='''
openapi: 3.0.3
info: {title: Orders, version: v1}
paths:
  /planned:
    get:
      responses:
        "200": {description: Planned, content: {application/json: {example: {planned: ANSWER}}}}
''')
"""
# In one commit, so that they are one revision.
POLICIES = """
from django.db import transaction
strict = {"source": "context", "strictParamsValidation": True}
with transaction.atomic():
    policies.policy_apply(actor=ada, instance=instance, policy="spec-validation", config=strict)
    policies.policy_apply(actor=ada, instance=instance, policy="mock-response", config={"source": "context"})
"""


def test_the_specification_in_the_catalog_is_what_the_gateway_judges_by_and_answers_from(
    home: PortalHome, backend: int, tmp_path: Path
) -> None:
    port = free_ports(1)[0]
    home.make_world(port=port, backend=backend)
    home.worker()
    home.run(SPECIFICATION.replace("ANSWER", "1") + POLICIES)
    latest = "select coalesce(max(number), 0) from publishing_revision"
    wait_until(lambda: home.value(latest) == 1, seconds=60, what=f"revision 1\n{home.log('worker')}")
    gateway = GatewayProcess(tmp_path, home.registration, workers=1)
    gateway.start()
    try:
        gateway.wait_for_revision(1)
        answer = call(port, "/orders/planned")
        assert (answer.status, answer.body) == (200, b'{"planned":1}')
        for path, code in (("/orders/1", "path_not_in_specification"), ("/orders/planned?x=1", "parameter_not_in_")):
            refused = call(port, path)
            assert (refused.status, json.loads(refused.body)["policy"]) == (400, "spec-validation")
            assert json.loads(refused.body)["code"].startswith(code)

        home.run(
            SPECIFICATION.replace("ANSWER", "2")
            + "from portal.publishing.services import publish_request\npublish_request(gateway=gateway)"
        )
        gateway.wait_for_revision(2)
        assert call(port, "/orders/planned").body == b'{"planned":2}'
    finally:
        gateway.terminate()
        gateway.wait()

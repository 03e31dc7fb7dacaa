"""Message logging in a real gateway: what a request leaves on its standard output."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.integration.gateway.conftest import call
from tests.integration.gateway.test_access_log import PipedGateway

pytestmark = pytest.mark.integration

FILE = """\
apiVersion: gateway.mulesoft.com/v1alpha1
kind: ApiInstance
metadata: {{name: orders}}
spec:
  address: http://127.0.0.1:{port}/orders
  services: {{all: {{address: "http://127.0.0.1:{backend}"}}}}
  policies:
    - policyRef: {{name: message-logging-flex}}
      config:
        loggingConfiguration:
          - itemName: Default configuration
            itemData:
              message: "#[attributes.headers['id']]"
              conditional: "#[attributes.headers['id'] != null]"
              category: My_01_Prefix_
              level: INFO
              firstSection: true
              secondSection: false
          - itemName: Answers
            itemData:
              message: "#[attributes.requestPath] #[attributes.statusCode] #[vars.violation.violationType]"
              level: WARN
              firstSection: false
              secondSection: true
    - policyRef: {{name: header-injection-flex}}
      config:
        inboundHeaders: [{{key: x-copied, value: "#[attributes.queryParams.copy]"}}]
    - policyRef: {{name: header-injection-flex}}
      config:
        outboundHeaders: [{{key: x-decoded, value: "#[fromBase64(attributes.headers.server)]"}}]
      rules: [{{path: /broken.*}}]
    - policyRef: {{name: rate-limiting-flex}}
      config:
        rateLimits: [{{maximumRequests: 1, timePeriodInMilliseconds: 600000}}]
        keySelector: "#[attributes.headers['tenant']]"
        clusterizable: false
      rules: [{{path: /limited.*}}]
"""


@pytest.fixture
def gateway(tmp_path: Path, port: int, backend: int) -> Iterator[PipedGateway]:
    file = tmp_path / "api.yaml"
    file.write_text(FILE.format(port=port, backend=backend))
    running = PipedGateway(tmp_path, config=file)
    yield running.start()
    running.kill()


def test_messages_headers_and_keys_follow_the_expressions(gateway: PipedGateway, port: int) -> None:
    first = call(port, "/orders/a?copy=1", {"id": 'x","log.level":"fatal'})
    assert (first.status, json.loads(first.body)["headers"]["x-copied"]) == (200, "1")
    split = call(port, "/orders/b?copy=1%0d%0ax-evil:1")
    assert (split.status, json.loads(split.body)["code"]) == (500, "header_injection_unsafe")
    # Each of two workers counts by itself here.
    statuses = [call(port, "/orders/limited", {"tenant": tenant}).status for tenant in "aaab"]
    assert statuses[0] == statuses[3] == 200
    assert 429 in statuses
    lines = gateway.finish()
    written = {(each["portico.message.name"], each["log.level"], each["message"]) for each in lines}
    assert written == {
        ("Default configuration", "info", 'x","log.level":"fatal'),
        ("Answers", "warn", "/orders/a 200 "),
        ("Answers", "warn", "/orders/b 500 header_injection_unsafe"),
        ("Answers", "warn", "/orders/limited 200 "),
        ("Answers", "warn", "/orders/limited 429 rate_limit_exceeded"),
    }
    assert len(lines) == 7
    assert {each.get("log.logger") for each in lines} == {"My_01_Prefix_", None}
    assert len({each["http.request.id"] for each in lines}) == 6


def test_an_answer_whose_header_cannot_be_made_is_not_passed_on(gateway: PipedGateway, port: int) -> None:
    refused = call(port, "/orders/broken")
    assert (refused.status, json.loads(refused.body)["code"]) == (500, "header_injection_not_evaluated")
    assert "x-decoded" not in refused.headers
    assert call(port, "/orders/a?copy=1").status == 200

"""What is bound to what, and in which order it runs."""

import pytest

from gateway_runtime.local.assembly import FIRST_ORDER, order_of
from gateway_runtime.local.kinds import PolicyBinding, PolicyRef, TargetRef
from gateway_runtime.local.loading import load_files
from gateway_runtime.policies.registry import definition
from tests.gateway_runtime.local.kit import ask, binding, fault, faults, instance, loaded, only_api, service

INJECT = "policyRef: {name: header-injection-flex}\nconfig: {inboundHeaders: [{key: x-a, value: '1'}]}\n"
LIMIT = (
    "policyRef: {name: rate-limiting-flex}\nconfig: {rateLimits: [{maximumRequests: 1, timePeriodInMilliseconds: 9}]}\n"
)
SELECT = "targetRef: {kind: Selector, selector: {kind: ApiInstance%s}}\n"
ALL_LABELS = "{zone: public, tier: gold}"


def on(target: str, policy: str = INJECT, more: str = "") -> str:
    return f"targetRef: {{name: {target}}}\n{policy}{more}"


def bound(*documents: str) -> dict[str, list[str]]:
    """Return the names of each instance's bindings in the order in which they run."""
    return {api: [each.name for each in found] for api, found in loaded(*documents).bindings.items()}


def test_bindings_run_by_order_and_then_as_they_are_written() -> None:
    documents = [
        instance(),
        binding("late", on("museum", more="order: 70\n")),
        binding("usual-one", on("museum")),
        binding("usual-two", on("museum", LIMIT)),
        binding("early", on("museum", more="order: -3\n")),
        binding("first", on("museum", LIMIT, "order: -2147483648\n")),
    ]
    assert bound(*documents) == {"default/museum": ["first", "early", "usual-one", "usual-two", "late"]}
    policies = only_api(loaded(*documents)).policies
    assert [each.order for each in policies] == [-(2**31), -3, 50, 50, 70]
    assert [each.policy for each in policies][:2] == ["rate-limiting", "header-injection"]


def test_order_of_definition_goes_by_file_name_and_then_by_line() -> None:
    files = [
        ("b.yaml", binding("b", on("museum")).encode()),
        ("c.yaml", instance().encode()),
        ("a/z.yaml", (binding("z1", on("museum")) + "---\n" + binding("z2", on("museum"))).encode()),
    ]
    made = load_files(sorted(files), {})
    assert [each.name for each in made.bindings["default/museum"]] == ["z1", "z2", "b"]


def test_the_end_of_the_chain_is_taken() -> None:
    assert "order: Use 2147483646 or less." in fault(instance(), binding("x", on("museum", more="order: 2147483647\n")))


def test_cors_is_always_first() -> None:
    spec = PolicyBinding(target_ref=TargetRef(), policy_ref=PolicyRef(name="cors"), order=99)
    assert order_of(spec, definition("cors")) == FIRST_ORDER < -(2**31)
    assert order_of(spec, None) == 99


def test_cors_cannot_be_limited_by_rules() -> None:
    cors = "policyRef: {name: cors-flex}\nrules: [{path: /a}]\n"
    assert fault(instance(), binding("x", f"targetRef: {{name: museum}}\n{cors}")).endswith(
        "spec.rules: The policy “cors” is for a whole API and cannot have rules."
    )


@pytest.mark.parametrize(
    ("labels", "selected"),
    [
        ("", ["gold", "plain", "public"]),
        (", labels: {}", ["gold", "plain", "public"]),
        (", labels: {zone: public}", ["gold", "public"]),
        (", labels: {zone: public, tier: gold}", ["gold"]),
    ],
)
def test_a_selector_takes_every_instance_that_has_all_its_labels(labels: str, selected: list[str]) -> None:
    found = bound(
        instance("plain", "http://0.0.0.0:1"),
        instance("public", "http://0.0.0.0:2", labels="{zone: public}"),
        instance("gold", "http://0.0.0.0:3", labels="{zone: public, tier: gold, more: x}"),
        binding("auto", SELECT % labels + INJECT),
    )
    assert sorted(found) == [f"default/{name}" for name in selected]


@pytest.mark.parametrize(
    ("label", "wanted", "holds"),
    [("yes", '"yes"', True), ('"true"', "true", True), ("7", '"7"', True), ("true", "yes", False), ("1.0", "1", False)],
)
def test_labels_are_compared_as_they_are_written(label: str, wanted: str, holds: bool) -> None:
    found = bound(
        instance(labels=f"{{public: {label}}}"), binding("auto", SELECT % f", labels: {{public: {wanted}}}" + INJECT)
    )
    assert bool(found) is holds


def test_a_selector_looks_into_every_namespace_unless_it_names_one() -> None:
    here, there = instance(address="http://0.0.0.0:1"), instance(address="http://0.0.0.0:2", namespace="east")
    auto = binding("auto", SELECT % "" + INJECT, namespace="platform")
    assert sorted(bound(here, there, auto)) == ["default/museum", "east/museum"]
    assert sorted(bound(here, there, auto.replace("kind: Selector,", "kind: Selector, namespace: east,"))) == [
        "east/museum"
    ]


def test_each_selected_instance_has_a_binding_of_its_own() -> None:
    made = loaded(
        instance("a", "http://0.0.0.0:1"), instance("b", "http://0.0.0.0:2"), binding("x", SELECT % "" + LIMIT)
    )
    first, second = (api.policies[0].id for api in made.document.apis)
    assert (first, second) == ("default/a default/x", "default/b default/x")


def test_a_selector_that_selects_nothing_is_told() -> None:
    made = loaded(instance(), binding("auto", SELECT % ", labels: {zone: nowhere}" + INJECT))
    assert "api.yaml:13: spec.targetRef.selector: This selects no ApiInstance." in [str(note) for note in made.notes]


@pytest.mark.parametrize(
    ("spec", "sentence"),
    [
        (on("musuem"), "spec.targetRef.name: There is no ApiInstance “musuem” in the namespace “default”."),
        (on("museum", INJECT.replace("header-injection", "header-injecton")), "spec.policyRef.name: There is no policy "
         "“header-injecton-flex”. Did you mean “header-injection”?"),
        (on("museum", "policyRef: {name: zzz}\n"), "spec.policyRef.name: There is no policy “zzz”. Known are "),
        (on("museum", "policyRef: {}\n"), "spec.policyRef.name: This setting is required."),
        (on("museum", INJECT.replace("{name: h", "{kind: Policy, name: h")), "spec.policyRef.kind: "),
        (on("museum", INJECT.replace("{name: h", "{namespace: mine, name: h")), "spec.policyRef.namespace: The polici"),
        ("targetRef: {}\n" + INJECT, "spec.targetRef.name: This setting is required."),
        (INJECT, "spec.targetRef: This setting is required."),
        ("targetRef: {kind: Api, name: museum}\n" + INJECT, "spec.targetRef.kind: "),
        ("targetRef: {kind: Selector}\n" + INJECT, "spec.targetRef.selector: This setting is required."),
        ("targetRef: {kind: Selector, selector: {}}\n" + INJECT, "spec.targetRef.selector.kind: This setting is requ"),
        ("targetRef: {name: museum, selector: {kind: ApiInstance}}\n" + INJECT, "spec.targetRef.selector: A selector "),
        ("targetRef: {kind: Selector, name: museum, selector: {kind: ApiInstance}}\n" + INJECT, "spec.targetRef.name:"),
        (on("museum", more="rules: [{path: '('}]\n"), "spec.rules[0].path: “(” is not a valid RE2 pattern."),
        (on("museum", more="rules: [{path: a}, {host: '['}]\n"), "spec.rules[1].host: “[” is not a valid RE2 pattern."),
        (on("museum", more="rules: [{path: '(?=x)'}]\n"), "spec.rules[0].path: “(?=x)” is not a valid RE2 pattern."),
        (on("museum", more="rules: [{headers: {X-A: '('}}]\n"), "spec.rules[0].headers.X-A: “(” is not a valid"),
        (on("museum", more="rules: [{headers: {'x a': y}}]\n"), "spec.rules[0].headers.x a: “x a” is not the name"),
        (on("museum", more="rules: [{headers: {x-a: y, X-A: y}}]\n"), "spec.rules[0].headers.X-A: The header “X-A” is"),
        (on("museum", more="rules: [{methods: [GET]}]\n"), "spec.rules[0].methods: Expected “str”, got `array`."),
        (on("museum", more="rules: [{method: GET}]\n"), "spec.rules[0].method: There is no setting “method”. Did you "),
        (on("museum", more="order: high\n"), "spec.order: Expected “int”"),
    ],
)  # fmt: skip
def test_a_binding_that_cannot_hold_is_refused(spec: str, sentence: str) -> None:
    found = fault(instance(), binding("x", spec))
    assert found.partition(": ")[2].startswith(sentence)


def test_rules_limit_a_policy_to_matching_requests() -> None:
    lock = """
    targetRef: {name: museum}
    policyRef: {name: http-basic-authentication-flex}
    config: {username: ada, password: sesame}
    rules:
      - path: /staff(/.*)?
        methods: GET|HEAD
      - headers: {x-staff: true}
    """
    made = loaded(
        instance(address="http://0.0.0.0:8080/museum", more="services: {all: {address: 'http://10.0.0.1:1'}}"),
        binding("lock", lock),
    )
    assert ask(made, "/museum/staff/1").code == "basic_credentials_missing"
    assert ask(made, "/museum/rooms").status == 0
    assert ask(made, "/museum/staff/1", method="POST").status == 0
    assert ask(made, "/museum/rooms", headers=(("x-staff", "true"),)).status == 401
    assert ask(made, "/museum/rooms", headers=(("x-staff", "yes"),)).status == 0


def test_a_pattern_that_repeats_the_base_path_is_told() -> None:
    made = loaded(
        instance(address="http://0.0.0.0:8080/museum"),
        service(),
        binding(
            "r",
            """
            targetRef: {name: museum}
            policyRef: {name: route}
            config: {destinationRef: {name: exhibits}}
            rules: [{path: /museum/rooms}]
            """,
        ),
    )
    assert [note.code for note in made.notes] == ["base_path_repeated"]


def test_an_instance_without_a_route_is_told_and_answers_404() -> None:
    made = loaded(instance())
    assert [str(note) for note in made.notes] == [
        "api.yaml:5: spec: It has no services and no route is bound to it, so every request is answered with 404."
    ]
    assert ask(made, "/x").code == "no_route"


def test_the_gateway_trusts_its_files_and_has_the_name_of_its_environment() -> None:
    assert loaded(instance()).document.allow_private_targets
    assert loaded(instance()).document.name == "local"
    assert loaded(instance(), FLEX_NAME="edge-7").document.name == "edge-7"


def test_all_faults_are_found_at_once() -> None:
    assert (
        len(faults(instance(), binding("a", on("nobody")), binding("b", on("museum", more="rules: [{path: '('}]\n"))))
        == 2
    )

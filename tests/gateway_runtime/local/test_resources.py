"""What is around every resource, and the mistakes one makes there."""

import pytest

from gateway_runtime.local.loading import load_files
from tests.gateway_runtime.local.kit import fault, faults, instance, loaded, only_api, service


@pytest.mark.parametrize("version", ["v1alpha1", "v1beta1"])
@pytest.mark.parametrize("kind", ["instance", "configuration"])
def test_both_versions_are_read(version: str, kind: str) -> None:
    text = instance() if kind == "instance" else "apiVersion: gateway.mulesoft.com/v1alpha1\nkind: Configuration\n" \
        "metadata: {name: c}\nspec: {timeouts: {upstreamResponseSeconds: 3}}\n"  # fmt: skip
    made = loaded(text.replace("v1alpha1", version))
    assert made.resources[0].api_version == f"gateway.mulesoft.com/{version}"


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (("v1alpha1", "v2"), "api.yaml:1: apiVersion: “gateway.mulesoft.com/v2” is not an API version that is known h"),
        (("ApiInstance", "ApiInstanse"), "api.yaml:2: kind: There is no kind “ApiInstanse”. Did you mean “ApiInstance"),
        (("ApiInstance", "Deployment"), "api.yaml:2: kind: There is no kind “Deployment”. Known are ApiInstance, Serv"),
        (("  name: museum", "  nmae: museum"), "api.yaml:4: metadata.nmae: There is no setting “nmae”. Did you mean “"),
        (("  name: museum", "  name: mu seum"), "api.yaml:4: metadata.name: A name has letters"),
        (("  name: museum", "  name: 12"), "api.yaml:4: metadata.name: Expected “str”, got `int`. Write the value in"),
        (("  name: museum", "  namespace: a"), "api.yaml:3: metadata.name: This setting is required."),
        (("  address: http", "  adress: http"), "api.yaml:6: spec.adress: There is no setting “adress”. Did you mean"),
        (("  address: http://0.0.0.0:8080", "  services:"), "api.yaml:5: spec.address: This setting is required."),
        (("  address: http://0.0.0.0:8080", ""), "api.yaml:5: spec: "),
        (("  address: http://0.0.0.0:8080", "  address:"), "api.yaml:6: spec.address: This is empty. Give it a value"),
        (("spec:", "status: {}\nspec:"), "api.yaml:5: status: There is no setting “status”."),
        (("metadata:\n  name: museum", "metadata: []"), "api.yaml:3: metadata: Expected “object”, got `array`."),
        (("ApiInstance\n", "ApiInstance\nlabels: {}\n"), "api.yaml:3: labels: There is no setting “labels”. Known are"),
    ],
)  # fmt: skip
def test_a_mistake_is_named_with_file_line_and_key(change: tuple[str, str], sentence: str) -> None:
    text = instance()
    assert change[0] in text
    assert fault(text.replace(*change)).startswith(sentence)


@pytest.mark.parametrize("text", ["just text\n", "- a\n- b\n", "7\n"])
def test_a_document_is_a_map(text: str) -> None:
    assert fault(text).startswith("api.yaml:1: Expected “object”")


def test_empty_lists_and_maps_are_as_good_as_none() -> None:
    text = instance(more="services:\npolicies:\n").replace("  name: museum", "  name: museum\n  labels:\n  namespace:")
    assert only_api(loaded(text)).id == "default/museum"


def test_annotations_are_for_others() -> None:
    text = instance(annotations="{made-by: {anything: [1]}}")
    assert only_api(loaded(text)).name == "museum"


def test_names_in_other_namespaces_are_others() -> None:
    made = loaded(instance(), instance(address="http://0.0.0.0:8081", namespace="east"))
    assert [(api.id, api.name) for api in made.document.apis] == [
        ("default/museum", "museum"),
        ("east/museum", "east/museum"),
    ]


def test_the_same_name_twice_is_refused_with_both_files() -> None:
    files = [("a.yaml", service().encode()), ("sub/b.yaml", b"# more\n" + service().encode())]
    with pytest.raises(Exception) as caught:  # noqa: PT011 — the text is what counts
        load_files(files, {})
    assert str(caught.value) == (
        "sub/b.yaml:5: metadata.name: The Service “exhibits” is there twice: also in a.yaml:4."
    )


def test_faults_of_all_files_are_told_at_once_and_in_order() -> None:
    first, second = instance().replace("address", "adress"), service().replace("address", "adress")
    assert [each.split(": There")[0] for each in faults(first, second)] == [
        "api.yaml:6: spec.adress",
        "api.yaml:13: spec.adress",
    ]


def test_a_long_list_of_faults_is_cut_in_the_sentence_but_not_in_the_list() -> None:
    broken = [service(f"s{number}").replace("address", "adress") for number in range(12)]
    with pytest.raises(Exception) as caught:  # noqa: PT011 — the text is what counts
        loaded(*broken)
    assert str(caught.value).endswith("… and 2 more.")
    assert len(faults(*broken)) == 12

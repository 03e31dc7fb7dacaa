"""Documents of which only a part is another one."""

import msgspec
import pytest

from gateway_runtime.configuration.rereading import DocumentReader
from gateway_runtime.schema.document import ApiInstance, Consumer, Document, Listener, decode, encode


def api(id: str, name: str = "n") -> ApiInstance:
    return ApiInstance(id=id, name=name, listener="l", base_path=f"/{id}")


def document(*apis: ApiInstance) -> bytes:
    listeners = [Listener(id="l", name="l", port=80)]
    consumers = [Consumer(id="c", name="c", client_id="c")]
    return encode(
        Document(gateway="g", name="n", listeners=listeners, consumers=consumers, apis=list(apis), log_level="debug")
    )


def test_it_reads_what_decoding_the_whole_reads() -> None:
    reader = DocumentReader()
    for data in (document(api("b"), api("a")), document(api("a"), api("b", "m"), api("c")), document()):
        assert reader.read(data) == decode(data)


def test_an_api_that_has_not_changed_is_the_same_object() -> None:
    reader = DocumentReader()
    before = reader.read(document(api("a"), api("b")))
    after = reader.read(document(api("b"), api("a", "other")))
    assert after.apis[0] is before.apis[1]
    assert after.apis[1].name == "other"


@pytest.mark.parametrize("data", [b"", b'{"gateway": "g"}', b'{"gateway": "g", "name": "n", "apis": [{"id": 1}]}'])
def test_what_is_no_document_is_refused(data: bytes) -> None:
    with pytest.raises(msgspec.MsgspecError):
        DocumentReader().read(data)

from gateway_runtime.consumers.index import ApiConsumers, Directory
from gateway_runtime.schema.document import Consumer

SHOP = Consumer(id="1", name="Shop", client_id="shop-é")
OTHER = Consumer(id="2", name="Other", client_id="other")


def test_only_applications_with_a_contract_are_found_but_all_are_known() -> None:
    directory = Directory()
    directory.fill([SHOP, OTHER])
    index = ApiConsumers(directory, [SHOP])
    assert index.by_client_id("shop-é".encode()) is SHOP
    assert index.by_client_id(b"other") is None
    assert index.knows(b"other")
    assert index.known(b"other") is OTHER
    assert not index.knows(b"nobody")


def test_an_index_that_is_kept_sees_the_refilled_directory() -> None:
    directory = Directory()
    index = ApiConsumers(directory, [])
    directory.fill([OTHER])
    assert index.knows(b"other")
    directory.fill([])
    assert not index.knows(b"other")

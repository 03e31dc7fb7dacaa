import h11

from gateway_runtime.admin.server import AdminServer, Page


class Pages:
    def page(self, path: str) -> Page:
        if path == "/broken":
            raise RuntimeError("broken")
        return Page(200, "text/plain", path.encode())


def answer(method: str, target: str) -> Page:
    request = h11.Request(method=method, target=target, headers=[("host", "x")])
    return AdminServer(Pages())._answer(request)


def test_the_query_is_no_part_of_the_path() -> None:
    assert answer("GET", "/livez?verbose=1") == Page(200, "text/plain", b"/livez")


def test_only_reading_is_allowed() -> None:
    assert answer("HEAD", "/livez").status == 200
    assert answer("POST", "/livez").status == 405
    assert answer("DELETE", "/livez").status == 405


def test_a_page_that_fails_is_500_without_its_reason() -> None:
    page = answer("GET", "/broken")
    assert page.status == 500
    assert b"RuntimeError" not in page.body

"""How REST lists are cut into pages. Apart from `core.api`, which DRF would import in a circle."""

from rest_framework.pagination import PageNumberPagination


class Pagination(PageNumberPagination):
    """`?page=2&page_size=50`, at most 200."""

    page_size = 50
    page_size_query_param = "page_size"
    max_page_size = 200

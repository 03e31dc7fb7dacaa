"""Addresses of console pages, which all lie under an organization and an environment."""

from typing import Any

from django.urls import reverse


def console_url(where: Any, name: str, *args: Any, **kwargs: Any) -> str:
    """Return the address of the console page `name`, in the place of a request, an environment or an object in one.

    Raises `NoReverseMatch` when there is no such page and `ValueError` outside of the console.
    """
    environment = where if hasattr(where, "organization_id") and hasattr(where, "kind") else where.environment
    if environment is None:
        raise ValueError(f"“{name}” is a console page; it needs an organization and an environment.")
    place = (environment.organization.slug, environment.slug)
    if kwargs:
        return reverse(name, kwargs={"organization": place[0], "environment": place[1], **kwargs})
    return reverse(name, args=(*place, *args))

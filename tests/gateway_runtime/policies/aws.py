"""What AWS itself makes of a request: its own signer, asked about the bytes that a service has got."""

import hashlib
import re
from datetime import UTC, datetime
from typing import Any

from botocore.auth import S3SigV4Auth, SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

_AUTHORIZATION = re.compile(
    r"AWS4-HMAC-SHA256 Credential=([^/]+)/(\d{8})/([^/]+)/([^/]+)/aws4_request, SignedHeaders=([^,]+), "
    r"Signature=([0-9a-f]{64})"
).fullmatch


def faults(
    method: str, target: str, headers: list[tuple[str, str]], body: bytes, *, secret: str, token: str = ""
) -> list[str]:
    """Return what a service that knows the secret finds wrong with a request, as it came."""
    given: dict[str, list[str]] = {}
    for name, value in headers:
        given.setdefault(name.lower(), []).append(value)
    if len(given.get("authorization", [])) != 1:
        return ["not one Authorization"]
    found = _AUTHORIZATION(given["authorization"][0])
    if found is None:
        return [f"no signature: {given['authorization'][0]}"]
    key_id, day, region, service, names, signature = found.groups()
    wrong = []
    if not {"host", "x-amz-date"} <= set(names.split(";")):
        wrong.append("host or date not signed")
    if {name for name in given if name.startswith("x-amz-")} - set(names.split(";")):
        wrong.append("an X-Amz header is not signed")
    if not given["x-amz-date"][0].startswith(day):
        wrong.append("two days")
    if given.get("x-amz-security-token", [""]) != [token]:
        wrong.append("wrong session token")
    digest = given.get("x-amz-content-sha256", [""])[0]
    if digest not in ("", "UNSIGNED-PAYLOAD", hashlib.sha256(body).hexdigest()):
        wrong.append("wrong digest of the body")
    request: Any = AWSRequest(method=method, url=f"https://{given['host'][0]}{target}", data=body)
    request.context["timestamp"] = given["x-amz-date"][0]
    for name in names.split(";"):
        request.headers[name] = ",".join(" ".join(value.split()) for value in given[name])
    signer: Any = (S3SigV4Auth if service.startswith("s3") else SigV4Auth)(Credentials(key_id, secret), service, region)
    expected = signer.signature(signer.string_to_sign(request, signer.canonical_request(request)), request)
    if expected != signature:
        wrong.append("wrong signature")
    return wrong


def seconds(stamp: str) -> float:
    """Return the time of an X-Amz-Date."""
    return datetime.strptime(stamp, "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC).timestamp()

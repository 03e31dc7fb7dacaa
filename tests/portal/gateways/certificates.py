"""Certificates that tests of gateways share."""

from portal.gateways.certificate_services import certificate_create
from portal.gateways.models import Certificate
from portal.organizations.models import Environment
from tests.certificates import Authority, Pair

ROOT = Authority("Harbour Root")
SHOP = ROOT.issue("shop.example", "www.shop.example", common_name="shop.example")
BANK = ROOT.issue("bank.example", common_name="bank.example")


def chain_of(pair: Pair) -> str:
    """Return a certificate with that of its authority."""
    return pair.certificate + ROOT.pem


def make_certificate(environment: Environment, pair: Pair = SHOP, name: str = "Shop") -> Certificate:
    """Store a certificate as nobody in particular."""
    return certificate_create(actor=None, environment=environment, name=name, chain=chain_of(pair), key=pair.key)

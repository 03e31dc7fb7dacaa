"""Everything that changes applications, credentials, contracts and tiers."""

from portal.contracts.services.applications import (
    IssuedSecret,
    application_create,
    application_delete,
    application_update,
    credential_rotate,
    credentials_expire,
)
from portal.contracts.services.contracts import (
    contract_approve,
    contract_delete,
    contract_reject,
    contract_request,
    contract_restore,
    contract_revoke,
    contract_withdraw,
)
from portal.contracts.services.tiers import tier_create, tier_delete, tier_update

__all__ = [
    "IssuedSecret",
    "application_create",
    "application_delete",
    "application_update",
    "contract_approve",
    "contract_delete",
    "contract_reject",
    "contract_request",
    "contract_restore",
    "contract_revoke",
    "contract_withdraw",
    "credential_rotate",
    "credentials_expire",
    "tier_create",
    "tier_delete",
    "tier_update",
]

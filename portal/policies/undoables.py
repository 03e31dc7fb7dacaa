"""What of policies can be taken back. Their secrets are kept with the rest, encrypted, while that is possible."""

from typing import Any

from portal.apis.models import ApiInstance
from portal.audit.undo import Thing, register, still_there
from portal.core.setting_forms.secrets import joined
from portal.organizations.models import Environment
from portal.policies.automated_services import (
    automated_policy_apply,
    automated_policy_place,
    automated_policy_remove,
    automated_policy_update,
)
from portal.policies.models import AppliedPolicy, AutomatedPolicy, PolicyBinding
from portal.policies.ordering import in_order, policy_place
from portal.policies.services import policy_apply, policy_remove, policy_update
from portal.policies.settings import secret_settings


def _applied(applied: AppliedPolicy) -> dict[str, Any]:
    return {
        "policy": applied.policy,
        "config": joined(applied.config, secret_settings(applied)),
        "order": applied.order,
        "mode": str(applied.mode),
    }


def _policy(binding: PolicyBinding) -> dict[str, Any]:
    return {**_applied(binding), "rules": binding.rules, "instance": binding.instance_id}


def _automated(automated: AutomatedPolicy) -> dict[str, Any]:
    return {**_applied(automated), "selector": automated.selector, "environment": automated.environment_id}


def _without(state: dict[str, Any], *names: str) -> dict[str, Any]:
    return {name: value for name, value in state.items() if name not in names}


def _policy_again(actor: Any, state: dict[str, Any]) -> None:
    policy_apply(actor=actor, **{**state, "instance": still_there(ApiInstance, state["instance"])})


def _policy_back(actor: Any, binding: PolicyBinding, state: dict[str, Any]) -> None:
    policy_update(actor=actor, binding=binding, **_without(state, "policy", "instance"))


def _automated_again(actor: Any, state: dict[str, Any]) -> None:
    automated_policy_apply(actor=actor, **{**state, "environment": still_there(Environment, state["environment"])})


def _automated_back(actor: Any, automated: AutomatedPolicy, state: dict[str, Any]) -> None:
    automated_policy_update(actor=actor, automated=automated, **_without(state, "policy", "environment"))


def _places(policies: Any) -> dict[str, Any]:
    return {"places": [str(each.pk) for each in in_order(policies)]}


register(
    Thing(
        name="policy",
        permission="policy.change",
        argument="binding",
        model=PolicyBinding,
        state=_policy,
        create=_policy_again,
        change=_policy_back,
        remove=policy_remove,
    )
)
register(
    Thing(
        name="automated_policy",
        permission="policy.change",
        argument="automated",
        model=AutomatedPolicy,
        state=_automated,
        create=_automated_again,
        change=_automated_back,
        remove=automated_policy_remove,
    )
)
# Of a move the order of all is what there was before, not the numbers, which are shared out anew.
register(
    Thing(
        name="policy_place",
        permission="policy.change",
        argument="binding",
        model=PolicyBinding,
        state=lambda binding: _places(binding.instance.policies.all()),
        change=lambda actor, binding, state: policy_place(
            actor=actor, binding=binding, position=state["places"].index(str(binding.pk))
        ),
    )
)
register(
    Thing(
        name="automated_policy_place",
        permission="policy.change",
        argument="automated",
        model=AutomatedPolicy,
        state=lambda automated: _places(automated.environment.automated_policies.all()),
        change=lambda actor, automated, state: automated_policy_place(
            actor=actor, automated=automated, position=state["places"].index(str(automated.pk))
        ),
    )
)

"""Applied policies in the console's search."""

from portal.core.findables import Deed, Findable, register
from portal.core.links import console_url
from portal.policies.models import AutomatedPolicy, PolicyBinding
from portal.policies.settings import policy_title

register(
    Findable(
        name="policy",
        title="Applied policies",
        icon="shield",
        permission="policy.view",
        queryset=PolicyBinding.objects.select_related("instance__api_version__api"),
        fields=("policy", "instance__api_version__api__name", "instance__api_version__version", "instance__label"),
        label=lambda binding: f"{policy_title(binding.policy)} on {binding.instance}",
        note=lambda binding: "" if binding.enabled else "Off",
        url=lambda request, binding: console_url(request, "policies:list", binding.instance_id),
        deeds=(
            Deed(
                "Edit {name}",
                "policy.change",
                lambda request, binding: console_url(request, "policies:edit", binding.instance_id, binding.pk),
            ),
        ),
        order=25,
    )
)
register(
    Findable(
        name="automated_policy",
        title="Automated policies",
        icon="shield-bolt",
        permission="policy.view",
        queryset=AutomatedPolicy.objects.select_related("environment__organization"),
        fields=("policy",),
        label=lambda automated: policy_title(automated.policy),
        note=lambda automated: " ".join(f"{name}={value}" for name, value in automated.selector.items()),
        order=26,
    )
)

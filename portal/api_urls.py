"""Every REST address, under /api/v1/. Each app registers its viewsets on the one router."""

from django.urls import include, path
from drf_spectacular.views import SpectacularJSONAPIView
from rest_framework.routers import SimpleRouter

from portal.accounts.api import ApiTokenViewSet, MeView
from portal.accounts.session_api import SessionViewSet
from portal.alerts.api import AlertEpisodeViewSet, AlertViewSet
from portal.alerts.notice_api import NoticeViewSet, WebhookViewSet
from portal.analytics.api import TrafficView
from portal.apis.api import ApiInstanceViewSet
from portal.apis.bulk_api import InstanceBulkView
from portal.apis.deprecation_api import VersionDeprecateView
from portal.apis.part_api import RouteViewSet, ServiceViewSet
from portal.audit.api import AuditEventViewSet
from portal.catalog.api import ApiVersionViewSet, ApiViewSet
from portal.contracts.api import ApplicationViewSet, ContractViewSet, TierViewSet
from portal.core.saved_view_api import SavedViewViewSet
from portal.gateways.api import GatewayViewSet
from portal.gateways.certificate_api import CertificateViewSet
from portal.gateways.listener_api import ListenerViewSet
from portal.gateways.registration_api import GatewayRegistrationView
from portal.gateways.replica_api import ReplicaViewSet
from portal.gateways.settings_api import GatewaySettingsViewSet
from portal.landscape.api import CallersView, LandscapeView
from portal.organizations.api import EnvironmentViewSet, OrganizationViewSet, PersonViewSet
from portal.organizations.role_api import BuiltInRolesView, CustomRoleViewSet
from portal.organizations.team_api import TeamMemberViewSet, TeamRoleViewSet, TeamViewSet
from portal.policies.api import BindingViewSet, PolicyViewSet
from portal.policies.automated_api import AutomatedPolicyViewSet
from portal.publishing.api import HoldViewSet, RevisionViewSet
from portal.publishing.rollout_api import DriftView, RolloutViewSet, StagingView
from portal.publishing.target_api import InstanceTargetsView
from portal.traces.api import TraceTokenView, TraceViewSet
from portal.traces.rehearsal_api import RehearsalView
from portal.transfers.api import ExportView
from portal.transfers.import_api import ImportView
from portal.transfers.promotion_api import PromotionView

router = SimpleRouter()
router.register("sessions", SessionViewSet, basename="session")
router.register("api-tokens", ApiTokenViewSet, basename="api-token")
router.register("saved-views", SavedViewViewSet, basename="saved-view")
router.register("organizations", OrganizationViewSet)
router.register("environments", EnvironmentViewSet)
router.register("people", PersonViewSet, basename="person")
router.register("roles", CustomRoleViewSet, basename="role")
router.register("teams", TeamViewSet)
router.register("team-members", TeamMemberViewSet, basename="team-member")
router.register("team-roles", TeamRoleViewSet, basename="team-role")
router.register("audit-events", AuditEventViewSet, basename="audit-event")
router.register("applications", ApplicationViewSet, basename="application")
router.register("contracts", ContractViewSet, basename="contract")
router.register("tiers", TierViewSet, basename="tier")
router.register("apis", ApiViewSet)
router.register("api-versions", ApiVersionViewSet)
router.register("gateways", GatewayViewSet)
router.register("listeners", ListenerViewSet)
router.register("certificates", CertificateViewSet)
router.register("replicas", ReplicaViewSet)
router.register("api-instances", ApiInstanceViewSet)
router.register("services", ServiceViewSet)
router.register("routes", RouteViewSet)
router.register("policies", PolicyViewSet, basename="policy")
router.register("policy-bindings", BindingViewSet)
router.register("automated-policies", AutomatedPolicyViewSet)
router.register("alerts", AlertViewSet, basename="alert")
router.register("alert-episodes", AlertEpisodeViewSet, basename="alert-episode")
router.register("alert-webhooks", WebhookViewSet, basename="alert-webhook")
router.register("alert-notices", NoticeViewSet, basename="alert-notice")
router.register("traces", TraceViewSet)
router.register("revisions", RevisionViewSet)
router.register("holds", HoldViewSet)
router.register("rollouts", RolloutViewSet)

gateway_settings = GatewaySettingsViewSet.as_view({"get": "retrieve", "patch": "partial_update", "delete": "destroy"})

urlpatterns = [
    path("api-instances/bulk/", InstanceBulkView.as_view(), name="api-instances-bulk"),
    path("api-versions/<uuid:pk>/deprecate/", VersionDeprecateView.as_view(), name="api-version-deprecate"),
    path("api-instances/<uuid:pk>/targets/", InstanceTargetsView.as_view(), name="api-instance-targets"),
    path("", include(router.urls)),
    path("gateway-registrations/", GatewayRegistrationView.as_view(), name="gateway-registrations"),
    path("gateways/<uuid:pk>/settings/", gateway_settings, name="gateway-settings"),
    path("built-in-roles/", BuiltInRolesView.as_view(), name="built-in-roles"),
    path("me/", MeView.as_view(), name="me"),
    path("gateways/<uuid:gateway_pk>/staging/", StagingView.as_view(), name="staging"),
    path("running-revisions/", DriftView.as_view(), name="running-revisions"),
    path("exports/", ExportView.as_view(), name="exports"),
    path("promotions/", PromotionView.as_view(), name="promotions"),
    path("landscape/", LandscapeView.as_view(), name="landscape"),
    path("api-instances/<uuid:pk>/callers/", CallersView.as_view(), name="api-instance-callers"),
    path("imports/", ImportView.as_view(), name="imports"),
    path("traffic/", TrafficView.as_view(), name="traffic"),
    path("trace-tokens/", TraceTokenView.as_view(), name="trace-tokens"),
    path("rehearsals/", RehearsalView.as_view(), name="rehearsals"),
    path("openapi.json", SpectacularJSONAPIView.as_view(), name="openapi"),
]

"""Addresses of people, environments and organizations, under the console."""

from django.urls import path

from portal.organizations import group_views, role_views, team_views, views

app_name = "organizations"
urlpatterns = [
    path("people/", views.People.as_view(), name="people"),
    path("people/add/", views.InvitePerson.as_view(), name="invite"),
    path("people/<uuid:pk>/", views.ChangeRole.as_view(), name="role_change"),
    path("people/<uuid:pk>/remove/", views.RemoveRole.as_view(), name="role_remove"),
    path("people/<uuid:pk>/invite-again/", views.InviteAgain.as_view(), name="invite_again"),
    path("people/<uuid:pk>/end-sessions/", views.EndSessions.as_view(), name="end_sessions"),
    path("roles/", role_views.Roles.as_view(), name="roles"),
    path("roles/add/", role_views.CustomRoleCreate.as_view(), name="custom_role_create"),
    path("roles/<uuid:pk>/", role_views.CustomRoleEdit.as_view(), name="custom_role_edit"),
    path("roles/<uuid:pk>/delete/", role_views.CustomRoleDelete.as_view(), name="custom_role_delete"),
    path("business-groups/", group_views.BusinessGroups.as_view(), name="groups"),
    path("business-groups/add/", group_views.BusinessGroupCreate.as_view(), name="group_create"),
    path("teams/", team_views.Teams.as_view(), name="teams"),
    path("teams/add/", team_views.TeamCreate.as_view(), name="team_create"),
    path("teams/<uuid:pk>/", team_views.TeamDetail.as_view(), name="team"),
    path("teams/<uuid:pk>/edit/", team_views.TeamEdit.as_view(), name="team_edit"),
    path("teams/<uuid:pk>/delete/", team_views.TeamDelete.as_view(), name="team_delete"),
    path("teams/<uuid:pk>/members/add/", team_views.TeamMemberAdd.as_view(), name="team_member_add"),
    path("teams/<uuid:pk>/roles/add/", team_views.TeamRoleAdd.as_view(), name="team_role_add"),
    path("team-members/<uuid:pk>/remove/", team_views.TeamMemberRemove.as_view(), name="team_member_remove"),
    path("team-roles/<uuid:pk>/remove/", team_views.TeamRoleRemove.as_view(), name="team_role_remove"),
    path("environments/", views.Environments.as_view(), name="environments"),
    path("environments/add/", views.EnvironmentCreate.as_view(), name="environment_create"),
    path("environments/<uuid:pk>/", views.EnvironmentEdit.as_view(), name="environment_edit"),
    path("organizations/new/", views.OrganizationCreate.as_view(), name="create"),
]

"""The tables of one's own API tokens and sessions."""

from portal.core.tables import Column, Table


class ApiTokenTable(Table):
    """Tokens, newest first, also those that are revoked or expired."""

    caption = "Your API tokens"
    default_sort = ("-created_at",)
    columns = (
        Column("name", "Name", sort="name", key=True),
        Column("hint", "Begins with", template="accounts/cell_hint.html", text=lambda token: f"{token.hint}…"),
        Column("state", "State", template="accounts/cell_token_state.html", text=lambda token: token.state),
        Column("scope", "May do"),
        Column("created_at", "Made", sort="created_at"),
        Column("last_used_at", "Last used", sort="last_used_at"),
        Column("expires_at", "Expires", sort="expires_at"),
        Column("pk", "Actions", template="accounts/cell_token_actions.html", actions=True),
    )


class SessionTable(Table):
    """Sessions, the one last used first."""

    caption = "Your sessions"
    default_sort = ("-last_seen_at",)
    columns = (
        Column(
            "device", "Browser", template="accounts/cell_session.html", text=lambda session: session.device, key=True
        ),
        Column("address", "Signed in from"),
        Column("begun_at", "Signed in", sort="begun_at"),
        Column("last_seen_at", "Last seen", sort="last_seen_at"),
        Column("id", "Actions", template="accounts/cell_session_actions.html", actions=True),
    )

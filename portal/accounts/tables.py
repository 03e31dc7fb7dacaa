"""The table of one's own API tokens."""

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

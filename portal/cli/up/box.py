"""What is printed when all is ready."""

from dataclasses import dataclass

from portal.cli.up.settings import Run


@dataclass(frozen=True, slots=True, kw_only=True)
class SignIn:
    """How to sign in. The password is there only at the first start, and only when Portico made it."""

    email: str
    password: str | None
    first: bool


def box(run: Run, sign_in: SignIn, seconds: float, *, unicode: bool = True) -> list[str]:
    """Return the lines of the box; the last one says that Portico is ready."""
    rows = [
        ("Console", run.portal_url),
        ("Developer hub", f"{run.portal_url}/hub/"),
        ("Gateway", run.gateway_url),
        ("Gateway admin", f"{run.admin_url}/readyz"),
        ("", ""),
        ("Sign in as", sign_in.email),
    ]
    if sign_in.first and sign_in.password:
        rows.append(("Password", f"{sign_in.password}   (shown only this once)"))
    elif sign_in.first:
        rows.append(("Password", "the one in PORTICO_ADMIN_PASSWORD"))
    else:
        rows.append(("Password", "as before"))
    rows += [("", ""), ("Try", f"curl -i '{run.gateway_url}/catalog?limit=2'")]
    lines = [f"{name:<15}{value}".rstrip() for name, value in rows]
    width = max(len(line) for line in lines)
    across, down, corners = ("─", "│", "┌┐└┘") if unicode else ("-", "|", "++++")
    edge = across * (width + 4)
    return [
        f"{corners[0]}{edge}{corners[1]}",
        *(f"{down}  {line:<{width}}  {down}" for line in lines),
        f"{corners[2]}{edge}{corners[3]}",
        f"Portico is ready after {seconds:.1f} s. Press Ctrl-C to stop it; all data stays in {run.home}.",
    ]

"""How the admin looks. What its navigation holds is in ``navigation.py``; its components are in ``static/css/portal.css``."""

from django.conf import settings
from django.templatetags.static import static


def environment_badge(request) -> list[str] | None:
    """Return the badge of an installation that is not the real one: its text and its colour."""
    return None if settings.PRODUCTION else [settings.MODE.upper(), "warning"]


UNFOLD = {
    "SITE_TITLE": "Callmama privacy portal",
    "SITE_HEADER": "Callmama privacy",
    "SITE_SUBHEADER": "Data protection office",
    "SITE_URL": None,
    "SITE_ICON": lambda request: static("img/logo.svg"),
    "SITE_FAVICONS": [
        {"rel": "icon", "type": "image/svg+xml", "href": lambda request: static("img/favicon.svg")},
    ],
    "SHOW_BACK_BUTTON": False,
    "SHOW_VIEW_ON_SITE": False,
    "ENVIRONMENT": "callmama_privacy.unfold_settings.environment_badge",
    "DASHBOARD_CALLBACK": "callmama_privacy.home.dashboard",
    "SIDEBAR": {
        "show_search": False,
        "command_search": False,
        "show_all_applications": False,
        "navigation": "callmama_privacy.navigation.navigation",
    },
    "BORDER_RADIUS": "8px",
    "STYLES": [lambda request: static("css/portal.css")],
    "SCRIPTS": [
        lambda request: static("js/alpine-csp-shim.js"),
        lambda request: static("js/a11y.js"),
        lambda request: static("js/chart-colours.js"),
    ],
    "COLORS": {
        "primary": {
            "50": "#eff6ff",
            "100": "#dbeafe",
            "200": "#bfdbfe",
            "300": "#93c5fd",
            "400": "#60a5fa",
            "500": "#3b82f6",
            "600": "#2563eb",
            "700": "#1d4ed8",
            "800": "#1e40af",
            "900": "#1e3a8a",
            "950": "#172554",
        },
    },
}

"""The tests' project, with every default of REST framework turned against the endpoints.

``HOSTILE_RATE`` and ``HOSTILE_USER`` choose the throttle and who is not authenticated.
"""

import os
from typing import Any

from tests.settings import *  # noqa: F403 - a variant of the settings

_HERE = "tests.hostile.classes."

HOSTILE: dict[str, Any] = {
    "DEFAULT_RENDERER_CLASSES": [f"{_HERE}Renderer"],
    "DEFAULT_PARSER_CLASSES": [f"{_HERE}Parser"],
    "DEFAULT_AUTHENTICATION_CLASSES": [f"{_HERE}Authentication"],
    "DEFAULT_PERMISSION_CLASSES": [f"{_HERE}Permission"],
    "DEFAULT_THROTTLE_CLASSES": [f"{_HERE}Throttle"],
    "DEFAULT_CONTENT_NEGOTIATION_CLASS": f"{_HERE}Negotiation",
    "DEFAULT_METADATA_CLASS": f"{_HERE}Metadata",
    "DEFAULT_VERSIONING_CLASS": f"{_HERE}Versioning",
    "DEFAULT_PAGINATION_CLASS": f"{_HERE}Pagination",
    "DEFAULT_FILTER_BACKENDS": [f"{_HERE}Permission"],
    "DEFAULT_SCHEMA_CLASS": "tests.hostile.schema.Schema",
    "DEFAULT_THROTTLE_RATES": {
        "hostile": os.environ.get("HOSTILE_RATE", "9999/min"),
        "user": "1/day",
        "anon": "1/day",
    },
    "NUM_PROXIES": 7,
    "PAGE_SIZE": 1,
    "SEARCH_PARAM": "username",
    "ORDERING_PARAM": "password",
    "DEFAULT_VERSION": "v9",
    "ALLOWED_VERSIONS": ["v9"],
    "VERSION_PARAM": "sid",
    "UNAUTHENTICATED_USER": os.environ.get("HOSTILE_USER"),
    "UNAUTHENTICATED_TOKEN": None,
    "VIEW_NAME_FUNCTION": f"{_HERE}view_name",
    "VIEW_DESCRIPTION_FUNCTION": f"{_HERE}view_name",
    "EXCEPTION_HANDLER": f"{_HERE}exception_handler",
    "NON_FIELD_ERRORS_KEY": "code",
    "LIST_SERIALIZER_ERRORS_AS_DICT": False,
    "TEST_REQUEST_RENDERER_CLASSES": [f"{_HERE}Renderer"],
    "TEST_REQUEST_DEFAULT_FORMAT": "hostile",
    "URL_FORMAT_OVERRIDE": "client",
    "FORMAT_SUFFIX_KWARG": "sid",
    "URL_FIELD_NAME": "sid",
    "DATE_FORMAT": "%d/%m/%y",
    "DATE_INPUT_FORMATS": ["%d/%m/%y"],
    "DATETIME_FORMAT": "%d/%m/%y",
    "DATETIME_INPUT_FORMATS": ["%d/%m/%y"],
    "TIME_FORMAT": "%M",
    "TIME_INPUT_FORMATS": ["%M"],
    "DURATION_FORMAT": "iso-8601",
    "UNICODE_JSON": False,
    "COMPACT_JSON": False,
    "STRICT_JSON": False,
    "COERCE_DECIMAL_TO_STRING": False,
    "COERCE_BIGINT_TO_STRING": True,
    "UPLOADED_FILES_USE_URL": False,
    "HTML_SELECT_CUTOFF": 1,
    "HTML_SELECT_CUTOFF_TEXT": "hostile",
    "SCHEMA_COERCE_PATH_PK": False,
    "SCHEMA_COERCE_METHOD_NAMES": {"retrieve": "hostile"},
}
REST_FRAMEWORK = HOSTILE

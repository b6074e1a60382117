"""A schema class that describes no view."""

from rest_framework.schemas.inspectors import ViewInspector

from tests.hostile.classes import refuse


class Schema(ViewInspector):
    """Refuses to describe."""

    get_operation = refuse

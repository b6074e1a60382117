"""What the pages have in common that Django's admin does not make by itself."""

from __future__ import annotations

from typing import Any

import django
from django import forms
from django.http import HttpRequest
from django.template.response import TemplateResponse
from django.utils.text import capfirst

__all__ = ["MEDIA", "page"]

MEDIA = forms.Media(css={"all": ["tokenauth/admin.css"]})
"""The style sheet of the pages."""

# Django 6.1 made the breadcrumbs a list.
_CRUMBS_ARE_A_LIST = django.VERSION >= (6, 1)


def page(
    model_admin: Any,
    request: HttpRequest,
    template: str,
    *,
    title: str,
    crumb: str = "",
    **context: Any,
) -> TemplateResponse:
    """Return a page in the frame of the admin.

    Args:
        model_admin: whose pages it is among.
        request: of a member of staff who may see it.
        template: the name of its file.
        title: its heading.
        crumb: the same, shorter, for the end of the breadcrumbs.
        context: what else it shows.
    """
    request.current_app = model_admin.admin_site.name
    common = {
        **model_admin.admin_site.each_context(request),
        "title": title,
        "crumb": crumb or title,
        "opts": model_admin.opts,
        "module_name": capfirst(model_admin.opts.verbose_name_plural),
        "media": model_admin.media + MEDIA,
        "crumbs_are_a_list": _CRUMBS_ARE_A_LIST,
    }
    return TemplateResponse(request, f"admin/tokenauth/{template}", common | context)

"""The endpoints without login, for projects that prove identity elsewhere.

Such a project calls ``tokenauth.login(request, user)`` at the end of its own login.
"""

from __future__ import annotations

from tokenauth.endpoints import without_login

app_name = "tokenauth"

urlpatterns = without_login()

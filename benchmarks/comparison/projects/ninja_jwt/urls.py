"""The package's own controller, and a profile beside it."""

from django.http import HttpRequest
from django.urls import path
from ninja_extra import NinjaExtraAPI
from ninja_jwt.authentication import JWTAuth
from ninja_jwt.controller import NinjaJWTDefaultController

from benchmarks.comparison.projects import views

api = NinjaExtraAPI()
api.register_controllers(NinjaJWTDefaultController)


@api.get("/profile", auth=JWTAuth())  # type: ignore[untyped-decorator]  # not installed for mypy
def profile(request: HttpRequest) -> dict[str, str]:
    """Tell callers their own name."""
    return {"username": request.user.get_username()}


urlpatterns = [path("api/", api.urls), *views.admin_and_ready]

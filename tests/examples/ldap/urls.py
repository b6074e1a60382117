"""The endpoints, and a view of the project."""

from django.urls import include, path

from tests.urls import whoami

urlpatterns = [
    path("auth/", include("tokenauth.urls")),
    path("api/whoami", whoami, name="whoami"),
]

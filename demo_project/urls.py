"""The page at `/`, `tokenauth` at `/auth/`, the admin, protected endpoints and the API schema."""

from django.contrib import admin
from django.contrib.staticfiles.urls import staticfiles_urlpatterns
from django.urls import include, path
from drf_spectacular.views import SpectacularAPIView

from demo_project.views import EmailView, ProfileView, ProtocolView, page

urlpatterns = [
    path("", page, name="page"),
    path("auth/", include("tokenauth.urls")),
    path("admin/", admin.site.urls),
    path("api/profile/", ProfileView.as_view(), name="profile"),
    path("api/email/", EmailView.as_view(), name="email"),
    path("api/protocol/", ProtocolView.as_view(), name="protocol"),
    path("api/schema/", SpectacularAPIView.as_view(), name="schema"),
    # Empty unless DEBUG. `runserver` needs no line for static files; gunicorn and uvicorn do.
    *staticfiles_urlpatterns(),
]

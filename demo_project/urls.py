"""The page at `/`, `tokenauth` at `/auth/`, the admin, a protected endpoint and the API schema."""

from django.contrib import admin
from django.contrib.staticfiles.urls import staticfiles_urlpatterns
from django.urls import include, path
from django.views.generic import TemplateView
from drf_spectacular.views import SpectacularAPIView

from demo_project.views import ProfileView

urlpatterns = [
    path("", TemplateView.as_view(template_name="demo_project/index.html"), name="page"),
    path("auth/", include("tokenauth.urls")),
    path("admin/", admin.site.urls),
    path("api/profile/", ProfileView.as_view(), name="profile"),
    path("api/schema/", SpectacularAPIView.as_view(), name="schema"),
    # Empty unless DEBUG. `runserver` needs no line for static files; gunicorn and uvicorn do.
    *staticfiles_urlpatterns(),
]

"""The package's own URLs."""

from django.urls import include, path

from benchmarks.comparison.projects import views

urlpatterns = [path("jwt-allauth/", include("jwt_allauth.urls")), *views.urlpatterns]

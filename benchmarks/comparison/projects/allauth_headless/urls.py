"""The package's own URLs."""

from django.urls import include, path

from benchmarks.comparison.projects import views

urlpatterns = [path("_allauth/", include("allauth.headless.urls")), *views.urlpatterns]

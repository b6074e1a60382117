"""The package's own URLs."""

from django.urls import include, path

from benchmarks.comparison.projects import views

urlpatterns = [path("o/", include("oauth2_provider.urls")), *views.urlpatterns]
